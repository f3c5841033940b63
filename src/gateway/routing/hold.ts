/**
 * Where a call goes next, and when. The best place may have no room, or be spared for having failed; whether to wait for
 * it, and for how long, is weighed. While a call waits its client hears pings; nobody waits for longer than its patience.
 */
import { GatewayError } from '../../errors.ts'
import { roughTokens } from '../../protocol/tokens.ts'
import type { Reserved } from './headroom.ts'
import { type Place, type Quest, since, type Waited } from './quest.ts'
import { isThoughtFull, type Standing, standingsOf } from './standings.ts'
import type { Warm } from './warmth.ts'
import { minuteOf, rewriting, weigh } from './weigh.ts'

/** A place, and what was reserved there. */
export interface Taken {
  place: Place
  reserved: Reserved
}

/** Where nobody says how long a call may wait, in milliseconds. */
const PATIENCE = 60_000
/** However patient a team is: the answer must still have time to begin before it is given up as silent. Milliseconds. */
const LONGEST_PATIENCE = 90_000
/** What is waited for is looked at again after so long at the least. Milliseconds. */
const LEAST = 20

/** What others find out is looked at again after so long. Milliseconds. */
const SOON = 1_000

/** The next place; undefined where none is left, or none will be in time. */
export async function pick(quest: Quest): Promise<Taken | undefined> {
  for (;;) {
    if (quest.signal.aborted) throw gone()
    if (quest.isAlone) return alone(quest)
    const standings = standingsOf(quest)
    const [first] = standings
    if (!first) return undefined
    const ready = standings.find(({ wait }) => wait === 0)
    const awaited = ready ? await weighed(quest, first, ready) : await soonest(quest, standings)
    if (!awaited) return undefined
    const taken = awaited.wait === 0 ? await enter(quest, awaited.place) : await hold(quest, awaited)
    if (taken) return taken
  }
}

/** A place for a second try beside one that is slow: only where it can be had at once. */
export function spare(quest: Quest): Taken | undefined {
  for (const { place, wait, why } of standingsOf(quest)) {
    if (place.tries > 0 || (wait > 0 && why !== 'breaker')) continue
    if (wait > 0 ? !mayAskEarly(quest, place) : !mayEnter(quest, place)) continue
    const reserved = reserve(quest, place)
    if (!reserved.ready) return { place, reserved }
    reserved.settle(undefined)
    quest.runtime.steering.breakers.left(place.route.upstream.id, place.route.modelId)
  }
  return undefined
}

/** The one place there is: the upstream itself knows best, unless its room is known and worth waiting for. */
async function alone(quest: Quest): Promise<Taken | undefined> {
  const [place] = quest.places
  if (!place || place.tries > 0) return undefined
  return whenItsTurn(quest, { place, reserved: reserve(quest, place) })
}

/** Undefined where somebody else is just finding out how it is there. */
async function enter(quest: Quest, place: Place): Promise<Taken | undefined> {
  return mayEnter(quest, place) ? whenItsTurn(quest, { place, reserved: reserve(quest, place) }) : undefined
}

/** Where its turn would come too late, it goes at once. */
async function whenItsTurn(quest: Quest, taken: Taken): Promise<Taken> {
  const { place, reserved } = taken
  if (reserved.ready && reserved.wait <= (await patienceLeft(quest)))
    await inTurn(quest, { place, wait: reserved.wait, why: 'headroom' }, reserved.ready)
  return taken
}

/** The first one, or the one that may be called now: by what either costs. */
async function weighed(quest: Quest, first: Standing, ready: Standing): Promise<Standing> {
  if (first === ready || !quest.prices) return ready
  const left = warmAt(quest, first.place)
  if (!left) return ready
  const { runtime, call, witness } = quest
  const [from, to] = [first.place.route, ready.place.route]
  const there = runtime.steering.warmths.at(call, to, runtime.now())
  const rewriteNano = rewriting(quest.prices, { from, to, left, there, at: call.startedAt })
  const chose = weigh({
    rewriteNano,
    waitMs: first.wait,
    waitedMs: quest.waited,
    patienceMs: await patienceLeft(quest),
    minuteNano: minuteOf(call),
  })
  const places = { from: from.upstream.id, to: to.upstream.id }
  // It is weighed again whenever a wait is over; what is as it was is not told again.
  const told = `${chose} ${places.from} ${places.to}`
  if (quest.weighed !== told) {
    quest.weighed = told
    const figures = { ...places, rewriteNano, waitMs: Math.ceil(first.wait) }
    witness.step({ did: 'weighed', at: since(quest), ...figures, chose })
    runtime.metrics.count('outcrop_routing_weighed_total', { chose })
  }
  return chose === 'hold' ? first : ready
}

/** What of the session is cached there; of one that others have served, as much as it is long. */
function warmAt({ runtime, call, choice }: Quest, { route }: Place): Warm | undefined {
  const known = runtime.steering.warmths.at(call, route, runtime.now())
  if (known || choice.binding?.upstream !== route.upstream.id) return known
  return { tokens: roughTokens(call.outline), isLong: false }
}

/**
 * Where none may be called now: the first to have room, where that is soon enough. Who says that it is full is believed; a
 * place that is spared for having failed may work again, and with nowhere else to go nothing is lost by asking: one call
 * at a time does so, and the others hear of it soon.
 */
async function soonest(quest: Quest, standings: readonly Standing[]): Promise<Standing | undefined> {
  const left = await patienceLeft(quest)
  const inOrder = standings.toSorted((a, b) => a.wait - b.wait)
  const [next] = inOrder
  if (next && next.wait <= Math.min(SOON, left)) return next
  const spared = inOrder.filter(({ why, place }) => why === 'breaker' && place.tries === 0)
  const asked = spared.find(({ place }) => mayAskEarly(quest, place))
  if (asked) return { ...asked, wait: 0 }
  const [other] = spared
  if (other) return { ...other, wait: left > SOON ? SOON : 0 }
  if (next && next.wait <= left) return next
  // Rather than to refuse the call, even who is thought to be full is asked, unless it said so itself.
  const thought = inOrder.find(({ place }) => place.tries === 0 && isThoughtFull(quest, place))
  return thought && mayAskEarly(quest, thought.place) ? { ...thought, wait: 0 } : undefined
}

function mayAskEarly({ runtime }: Quest, { route: { upstream, modelId } }: Place): boolean {
  return runtime.steering.breakers.probeEarly(upstream.id, modelId, runtime.now())
}

/** Waits for a place; undefined where all is to be looked at again. */
async function hold(quest: Quest, { place, wait, why }: Standing): Promise<Taken | undefined> {
  if (why !== 'headroom') {
    await inTurn(quest, { place, wait, why })
    return undefined
  }
  const reserved = reserve(quest, place)
  if (!reserved.ready) return { place, reserved }
  let hasCome = false
  const ready = reserved.ready.then(() => {
    hasCome = true
  })
  await inTurn(quest, { place, wait, why }, ready)
  if (hasCome && !quest.signal.aborted) return { place, reserved }
  reserved.settle(undefined)
  return undefined
}

/** Rests until it may be called, or until it says so itself; the trail tells how long that was. */
async function inTurn(quest: Quest, { place, wait, why }: Standing, ready?: Promise<void>): Promise<void> {
  const { runtime } = quest
  const began = runtime.now()
  const over = new AbortController()
  const leave = () => over.abort('left')
  quest.signal.addEventListener('abort', leave, { once: true })
  // Turns come a little later than was thought, where others are slow.
  const longest = ready ? Math.max(2 * wait, 1_000) : wait
  const rested = runtime.rest(Math.max(LEAST, longest), over.signal)
  await (ready ? Promise.race([ready, rested]) : rested)
  over.abort('over')
  quest.signal.removeEventListener('abort', leave)
  const ms = runtime.now() - began
  quest.waited += Math.max(1, ms)
  tellWait(quest, { did: 'waited', at: since(quest) - ms, ms, upstream: place.route.upstream.id, why })
}

/** What is waited for by turns is one wait. */
function tellWait(quest: Quest, step: Waited) {
  const { wait, witness } = quest
  if (wait?.upstream === step.upstream && wait.why === step.why) wait.ms = step.at + step.ms - wait.at
  else {
    quest.wait = step
    witness.step(step)
  }
}

/** One that is open is asked all the same: that was decided by whoever wants to enter. */
function mayEnter({ runtime }: Quest, { route: { upstream, modelId } }: Place): boolean {
  const { breakers } = runtime.steering
  const now = runtime.now()
  return breakers.look(upstream.id, modelId, now).open || breakers.probe(upstream.id, modelId, now)
}

function reserve({ runtime, call, terms }: Quest, { route }: Place): Reserved {
  return runtime.steering.headroom.reserve(runtime, route, call, terms.who)
}

async function patienceLeft(quest: Quest): Promise<number> {
  quest.patience ??= Math.min((await quest.terms.patience?.()) ?? PATIENCE, LONGEST_PATIENCE)
  return Math.max(0, quest.patience - quest.waited)
}

export function gone(): GatewayError {
  return new GatewayError('api_error', 'The client has gone.')
}
