/** What every handler is given: the runtime as Hono's bindings, and the request's id. */
import type { Scope } from '../data/scope.ts'
import type { Actor } from '../gateway/actor.ts'
import type { Runtime } from '../runtime.ts'

export interface Env {
  Bindings: Runtime
  Variables: { requestId: string; startedAt: number }
}

/** In the admin API: also who it is, and what of it all the operation at hand may touch for them. */
export interface AdminEnv extends Env {
  Variables: Env['Variables'] & { actor: Actor; scope: Scope }
}
