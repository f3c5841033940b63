/** The row of a call that a budget turned away: nothing was sent, nothing is owed, and why is on the ledger. */
import type { Call } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { beginTrail } from './routing/trail.ts'
import { opening } from './row.ts'
import type { Course } from './stepdown.ts'

interface TurnedAway {
  runtime: Runtime
  principal: Principal
  call: Call
  course: Pick<Course, 'choice'>
}

/** Rows of one key a minute: a client that asks in a loop is not to fill the ledger. The others are only counted. */
const MOST_ROWS = 60
const MINUTE = 60_000

/** Writes it down, on nobody's time. */
export function turnAway({ runtime, principal, call, course }: TurnedAway, day: string, budgetId: string) {
  const write = async () => {
    if (!(await hasRoom(runtime, principal.keyId))) return
    const decision = { budgetId, budgetAction: 'block' } as const
    await runtime.data.ledger.write({
      ...opening(principal, call, course.choice.routes[0], 0, { day, decision }),
      status: 'refused',
      trail: beginTrail(course.choice).whole([]),
      errorType: 'billing_error',
      usageSource: 'final',
      costNano: 0,
      durationMs: runtime.now() - call.startedAt,
    })
  }
  runtime.waitUntil(write().catch(() => {})) // a row that cannot be written has been logged by the ledger
}

async function hasRoom({ cache, metrics }: Runtime, keyId: string): Promise<boolean> {
  const lately = await cache.remember(`turned-away:${keyId}`, async () => ({
    value: { rows: 0 },
    ttl: MINUTE,
  }))
  lately.rows++
  if (lately.rows <= MOST_ROWS) return true
  metrics.count('outcrop_unwritten_refusals_total', {})
  return false
}
