/**
 * What a process takes of a bucket is told to the store that replicas share, and what the store says corrects what the
 * process believes. Only buckets whose size a quota says are shared: what a process has learned by being throttled is its
 * own share already.
 */
import { type Rate, type Taken, usedOf } from '../../data/limits.ts'
import type { Lent } from './headroom.ts'
import { MINUTE } from './headroombucket.ts'
import type { Line } from './headroomline.ts'

/** What the store makes of a call's tokens. */
export interface Told {
  /** Whether it had room. True where it need not be waited for. */
  isGranted: boolean | Promise<boolean>
  /** What the call has taken in the end; the rest is given back. Once. */
  settle(spent: number): void
}

/** Above this share of a bucket the store is waited for: others may have used the rest. Below, it is told beside the call. */
const TRUSTED_TO = 0.7

const UNASKED: Told = { isGranted: true, settle() {} }

/** The tokens are in the bucket here already. */
export function tell(line: Line, cost: number, { limits, now, waitUntil }: Lent): Told {
  const { bucket } = line
  const at = now()
  const capacity = bucket.said === undefined ? undefined : bucket.capacity(at)
  if (capacity === undefined) return UNASKED
  const isTight = bucket.used(at) > capacity * TRUSTED_TO
  // No smaller than what is believed here: what fits here must not be refused for its fractions.
  const rate: Rate = {
    kind: 'rate',
    name: `headroom:${bucket.name}`,
    cap: Math.ceil(capacity) + 1,
    per: MINUTE,
    cost,
  }
  const charged = Math.min(cost, rate.cap)
  let taken: Taken | undefined
  let spent: number | undefined
  let isAway = false

  function hear(answer: Taken): boolean {
    taken = answer
    line.untold -= charged
    const used = usedOf(answer.standings[0]) + line.untold
    if (answer.granted) bucket.correct(used, now())
    else refused(used)
    if (spent !== undefined) pass(spent)
    return answer.granted
  }

  function refused(used: number) {
    if (isTight) bucket.add(-cost, now()) // it waits
    bucket.correct(isTight ? used : used + charged, now())
  }

  function pass(after: number) {
    const more = after - charged
    const done = () => {
      line.untold -= more
    }
    if (!taken?.granted) return done()
    const passed = taken.settle([after])
    if (passed) waitUntil(passed.then(done, done))
    else done()
  }

  line.untold += charged
  const told: Told = {
    isGranted: true,
    settle(after) {
      if (isAway) return
      spent = after
      line.untold += after - charged
      if (taken) pass(after)
    },
  }
  const answer = limits.take([rate])
  if (!(answer instanceof Promise)) {
    const granted = hear(answer)
    told.isGranted = granted || !isTight
    return told
  }
  const heard = answer.then(hear, () => {
    isAway = true
    line.untold -= spent ?? charged
    return true // a store that is away is nothing against it
  })
  if (isTight) told.isGranted = heard
  else waitUntil(heard)
  return told
}
