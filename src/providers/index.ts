/** Every provider there is, by the name an upstream carries. */
import { bedrock } from './bedrock/bedrock.ts'
import type { Provider } from './provider.ts'

export const providers: Readonly<Record<string, Provider>> = { bedrock }
