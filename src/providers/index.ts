/** Every provider there is, by the name an upstream carries. */
import { anthropic, anthropicKind } from './anthropic.ts'
import { bedrock } from './bedrock/bedrock.ts'
import { bedrockKind, claudePlatformKind } from './bedrock/kinds.ts'
import type { UpstreamKind } from './kind.ts'
import type { Provider } from './provider.ts'
import { vertexKind } from './vertex/places.ts'
import { vertex } from './vertex/vertex.ts'

export const providers: Readonly<Record<string, Provider>> = { anthropic, bedrock, vertex }

export function providerNamed(name: string): Provider {
  const provider = providers[name]
  if (!provider) throw new Error(`there is no provider of the name ${name}`)
  return provider
}

/** Every kind of upstream that an admin may set up, by the name its rows carry. */
export const upstreamKinds: Readonly<Record<string, UpstreamKind>> = {
  bedrock: bedrockKind,
  'claude-platform': claudePlatformKind,
  anthropic: anthropicKind,
  vertex: vertexKind,
}

export function kindNamed(name: string): UpstreamKind {
  const kind = Object.hasOwn(upstreamKinds, name) ? upstreamKinds[name] : undefined
  if (!kind) throw new Error(`there is no kind of upstream '${name}'`)
  return kind
}
