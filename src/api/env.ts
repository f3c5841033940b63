/** What every handler is given: the runtime as Hono's bindings, and the request's id. */
import type { Runtime } from '../runtime.ts'

export interface Env {
  Bindings: Runtime
  Variables: { requestId: string; startedAt: number }
}
