/**
 * A step of load past capacity: half of what the contender can do for a while, then twice as much as it can. What is
 * admitted should be served about as fast as before; the rest should be told so with 529, soon.
 */
import type { Running } from './contenders/contender.ts'
import { type Round, troubleIn } from './rounds.ts'
import type { Stage } from './stage.ts'

export const OVERLOAD = 'overload'

const BODY = { bytes: 100_000, stream: false }
const MANNER = { events: 25, over: 0 }
const SECONDS = 1.5
const CALM = 0.5
const PAST = 2
/** What may be refused: all that is past capacity. */
const SHED = '529'
/** More requests of this size a second the load generator does not send on one core. */
const MOST = 6_000

/**
 * Undefined for whoever can do so much that it cannot be overloaded from here.
 * @param capacity requests of 100 KB a second, in a closed loop
 */
export async function overload(stage: Stage, running: Running, capacity: number): Promise<Round | undefined> {
  if (capacity * PAST > MOST) return undefined
  await stage.answer(MANNER)
  const play = (share: number) =>
    stage.load({
      target: running.target(false),
      body: BODY,
      load: { kind: 'open', perSecond: Math.round(capacity * share), seconds: SECONDS },
    })
  const calm = await play(CALM)
  const past = await play(PAST)
  const { [SHED]: shed = 0, ...broken } = past.refused
  return {
    figures: {
      calmP99: calm.whole.p99,
      p99: past.whole.p99,
      rate: (past.done / past.elapsed) * 1_000,
      refusedShare: shed / Math.round(capacity * PAST * SECONDS),
      refusal99: past.refusal.p99,
    },
    trouble: troubleIn({ ...past, refused: broken }),
  }
}
