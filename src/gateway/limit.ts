/** May this principal send this call now? For now everyone may; rates and budgets come to live here. */
import type { Grant } from '../data/limits.ts'
import type { Call } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'

export async function limit(runtime: Runtime, _principal: Principal, _call: Call): Promise<Grant> {
  return runtime.limits.take()
}
