/** Every provider there is, by the name an upstream carries. */
import { anthropic } from './anthropic.ts'
import { bedrock } from './bedrock/bedrock.ts'
import type { Provider } from './provider.ts'
import { vertex } from './vertex/vertex.ts'

export const providers: Readonly<Record<string, Provider>> = { anthropic, bedrock, vertex }

export function providerNamed(name: string): Provider {
  const provider = providers[name]
  if (!provider) throw new Error(`there is no provider of the name ${name}`)
  return provider
}
