/** What this process knows of its upstreams just now, as eligibility goes by it. */
import type { Call } from '../../protocol/messages.ts'
import type { Runtime } from '../../runtime.ts'
import type { Looks } from './eligible.ts'

/** Synchronous, from local knowledge: nobody is asked. */
export function looksFor({ steering, now }: Pick<Runtime, 'steering' | 'now'>, call: Call): Looks {
  const at = now()
  const { breakers, headroom } = steering
  const expected = headroom.expect(call)
  return {
    health: () => ({ healthy: true }),
    breaker: (upstream, model) => breakers.look(upstream, model, at),
    headroom: (route) => headroom.look(route, expected, at),
    now: at,
  }
}
