/** What this process knows of its upstreams just now, as eligibility goes by it. */
import type { Call } from '../../protocol/messages.ts'
import type { Runtime } from '../../runtime.ts'
import { healthOf } from '../health.ts'
import { type Looks, UNTROUBLED } from './eligible.ts'

/**
 * Synchronous, from local knowledge: nobody is asked.
 * @param call the one that there is to be room for; undefined where it takes none, as where tokens are only counted
 */
export function looksFor(
  { steering, now }: Pick<Runtime, 'steering' | 'now'>,
  call: Call | undefined,
): Looks {
  const at = now()
  const { breakers, headroom } = steering
  const expected = call && headroom.expect(call)
  return {
    health: healthOf,
    breaker: (upstream, model) => breakers.look(upstream, model, at),
    headroom: (route) => (expected ? headroom.look(route, expected, at) : UNTROUBLED.headroom(route)),
    now: at,
  }
}
