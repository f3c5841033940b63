/** One call's part in a bucket: taken or waited for, and settled. */
import { Halt } from '../../protocol/halt.ts'
import type { Usage } from '../../protocol/messages.ts'
import type { Lent, Reserved } from './headroom.ts'
import { MINUTE } from './headroombucket.ts'
import { type Afloat, callNext, fits, type Line, learnEnd, type Waiter, waitOf } from './headroomline.ts'
import { type Told, tell } from './headroomtold.ts'

export interface Ask {
  who: string
  background: boolean
  /** When the call came: who has waited elsewhere has waited. */
  startedAt: number
  /** What it takes when it begins, and what it is expected to have taken in the end. */
  cost: number
  likely: number
  /** What a usage comes to. */
  taken(usage: Usage): number
  /** A usage has become known. */
  learn(usage: Usage): void
}

/** A seat waits until it is called, by when its tokens are taken; then it is sent, unless the store has something against it. */
interface Seat {
  phase: 'waiting' | 'called' | 'sent' | 'over'
  line: Line
  ask: Ask
  lent: Lent
  place: Waiter
  afloat: Afloat
  begun: number
  sentAt: number
  told: Told | undefined
  wake(): void
}

/** Those that wait look up so often at least, and at most: what wakes them may belong to a request that is gone. */
const [SHORTEST, LONGEST] = [25, 1_000]

/** Takes a place in a line: at once where there is room and nobody waits. */
export function seatIn(line: Line, ask: Ask, lent: Lent): Reserved {
  const seat = newSeat(line, ask, lent)
  const wait = waitOf(line, ask, line.queue.tokens(), seat.begun)
  const isSent = begin(seat)
  return {
    wait: isSent ? 0 : Math.max(1, wait),
    isSaid: line.bucket.said !== undefined,
    left: () => leftOf(seat),
    ready: isSent ? undefined : turn(seat),
    settle: (usage) => settle(seat, usage),
    throttled: (retryAfter = 0, per = 'minute') => throttled(seat, retryAfter, per),
  }
}

function newSeat(line: Line, ask: Ask, lent: Lent): Seat {
  const { who, background, cost, likely } = ask
  const begun = lent.now()
  const refill = (line.bucket.capacity(begun) ?? MINUTE) / MINUTE
  const due = line.shares.dueAt(ask, refill, begun) - Math.max(0, begun - ask.startedAt)
  const seat: Seat = {
    phase: 'waiting',
    line,
    ask,
    lent,
    place: {
      who,
      background,
      cost,
      due,
      called() {
        seat.phase = 'called'
        seat.wake()
      },
    },
    afloat: { refund: Math.max(0, cost - likely), endsAt: 0 },
    begun,
    sentAt: begun,
    told: undefined,
    wake() {},
  }
  return seat
}

/** Whether it may be sent at once. */
function begin(seat: Seat): boolean {
  const { line, ask, lent, place, begun } = seat
  line.bucket.minutes.called(begun)
  line.shares.took(ask.who, ask.cost, begun)
  if (line.queue.size() > 0 || !fits(line, ask, begun)) {
    line.queue.enter(place)
    return false
  }
  line.bucket.add(ask.cost, begun)
  seat.phase = 'called'
  seat.told = tell(line, ask.cost, lent)
  if (seat.told.isGranted !== true) return false
  leave(seat)
  return true
}

/** Until it is its turn here, and the store has nothing against it. */
async function turn(seat: Seat): Promise<void> {
  const { line, ask, lent, place } = seat
  const phase = () => seat.phase // it changes while one waits
  for (;;) {
    while (phase() === 'waiting') await pause(seat)
    if (phase() === 'over') return
    seat.told ??= tell(line, ask.cost, lent)
    const isGranted = await seat.told.isGranted
    if (phase() === 'over') return
    if (isGranted) return leave(seat)
    seat.told = undefined
    seat.phase = 'waiting'
    line.queue.enter(place)
    await lent.rest(SHORTEST) // whatever is believed here, the store is not asked without end
  }
}

async function pause(seat: Seat): Promise<void> {
  const { line, lent } = seat
  callNext(line, lent.now())
  if (seat.phase !== 'waiting') return
  const woken = new Halt()
  seat.wake = () => woken.abort('its turn')
  await lent.rest(Math.min(LONGEST, Math.max(SHORTEST, leftOf(seat))), woken)
}

function leftOf({ phase, line, lent, place }: Seat): number {
  return phase === 'waiting' ? waitOf(line, place, line.queue.tokens(place), lent.now()) : 0
}

function leave(seat: Seat) {
  const { line, lent, afloat, begun } = seat
  seat.phase = 'sent'
  seat.sentAt = lent.now()
  if (seat.sentAt > begun) line.bucket.minutes.held(seat.sentAt - begun, seat.sentAt)
  afloat.endsAt = seat.sentAt + line.habit.duration
  line.afloat.add(afloat)
}

function settle(seat: Seat, usage: Usage | undefined) {
  const { phase, line, ask, lent, sentAt } = seat
  if (phase === 'over') return
  const now = lent.now()
  const spent = usage ? ask.taken(usage) : 0
  if (phase === 'waiting') {
    line.queue.leave(seat.place)
    line.bucket.add(spent, now) // sent before its turn
  } else line.bucket.add(spent - ask.cost, now)
  if (usage) {
    ask.learn(usage)
    if (phase === 'sent') learnEnd(line, ask.cost, spent, now - sentAt)
  }
  end(seat, spent, spent)
  callNext(line, now)
}

function throttled(seat: Seat, retryAfter: number, per: 'minute' | 'day') {
  const { phase, line, ask, lent, sentAt } = seat
  if (phase === 'over') return
  const { bucket, queue } = line
  const now = lent.now()
  const before = bucket.used(now)
  if (phase === 'waiting') queue.leave(seat.place)
  else bucket.add(-ask.cost, now)
  if (per === 'day') bucket.spentForTheDay(now)
  else bucket.throttled({ cost: ask.cost, sentAt, retryAfter }, now)
  // The other replicas are told how full it is, as if this call had filled it.
  end(seat, 0, Math.max(0, bucket.used(now) - before + ask.cost))
}

function end(seat: Seat, spent: number, toldSpent: number) {
  const { line, ask, lent, afloat } = seat
  seat.phase = 'over'
  line.shares.took(ask.who, spent - ask.cost, lent.now())
  line.afloat.delete(afloat)
  seat.told?.settle(toldSpent)
  seat.wake()
}
