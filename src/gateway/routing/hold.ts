/**
 * Where a call goes next, and when. The best place may have no room, or be spared for having failed; whether to wait for
 * it, and for how long, is weighed. While a call waits its client hears pings; nobody waits for longer than its patience.
 */
import { GatewayError } from '../../errors.ts'
import { Halt } from '../../protocol/halt.ts'
import type { Reserved } from './headroom.ts'
import { byCost, minuteOf, movingCost } from './moving.ts'
import { DEFAULTS, MOST_PATIENCE } from './policy.ts'
import { type Place, type Quest, since, type Waited } from './quest.ts'
import { expectedOf, type Standing, standingsOf } from './standings.ts'
import { weigh } from './weigh.ts'

/** A place, and what was reserved there. */
export interface Taken {
  place: Place
  reserved: Reserved
}

/** What is waited for is looked at again after so long at the least. Milliseconds. */
const LEAST = 20

/** What others find out is looked at again after so long. Milliseconds. */
const SOON = 1_000

/** The next place; undefined where none is left, or none will be in time. No promise where it is known at once. */
export function pick(quest: Quest): Taken | undefined | Promise<Taken | undefined> {
  if (quest.signal.aborted) throw gone()
  return quest.isAlone ? alone(quest) : pickOf(quest)
}

async function pickOf(quest: Quest): Promise<Taken | undefined> {
  for (;;) {
    if (quest.signal.aborted) throw gone()
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
    if (wait === 0) probe(quest, place)
    else if (!mayAskEarly(quest, place)) continue
    const reserved = reserve(quest, place)
    if (!reserved.ready) return { place, reserved }
    letGo(quest, { place, reserved })
  }
  return undefined
}

/** When the first of them may be called again: milliseconds from now, undefined where that is not known. */
export function soonestOf(quest: Quest): number | undefined {
  const { steering } = quest.runtime
  const now = quest.runtime.now()
  const waits = quest.places.flatMap(({ route, notBefore }) => {
    const look = steering.breakers.look(route.upstream.id, route.modelId, now)
    const { wait } = steering.headroom.look(route, expectedOf(quest), now)
    const longest = Math.max(look.open ? look.until - now : 0, wait, notBefore - now)
    return longest > 0 ? [longest] : []
  })
  return waits.length === 0 ? undefined : Math.min(...waits)
}

/** The one place there is: the upstream itself knows best, unless its room is known and worth waiting for. */
function alone(quest: Quest): Taken | undefined | Promise<Taken> {
  const [place] = quest.places
  if (!place || place.tries > 0) return undefined
  const taken = { place, reserved: reserve(quest, place) }
  // What was learned from a throttle is a guess, and there is nowhere else to go: the account itself is asked.
  return taken.reserved.isSaid ? whenItsTurn(quest, taken) : taken
}

function enter(quest: Quest, place: Place): Promise<Taken> {
  probe(quest, place)
  return whenItsTurn(quest, { place, reserved: reserve(quest, place) })
}

/** It is not called after all. */
export function letGo({ runtime }: Quest, { place: { route }, reserved }: Taken) {
  reserved.settle(undefined)
  runtime.steering.breakers.left(route.upstream.id, route.modelId)
}

/** Where its turn would come too late, it goes at once. */
async function whenItsTurn(quest: Quest, taken: Taken): Promise<Taken> {
  const { place, reserved } = taken
  if (!reserved.ready) return taken
  try {
    const left = await patienceLeft(quest)
    if (reserved.wait <= left) await inTurn(quest, { place, wait: left, why: 'headroom' }, reserved.ready)
    return taken
  } catch (error) {
    reserved.settle(undefined)
    throw error
  }
}

/** The first one, or the one that may be called now: by what either costs. */
async function weighed(quest: Quest, first: Standing, ready: Standing): Promise<Standing> {
  const rewriteNano = first === ready ? undefined : movingCost(quest, first.place, ready.place)
  if (rewriteNano === undefined) return ready
  const { runtime, witness } = quest
  const [from, to] = [first.place.route, ready.place.route]
  const chose = weigh({
    rewriteNano,
    waitMs: first.wait,
    waitedMs: quest.waited,
    patienceMs: await patienceLeft(quest),
    minuteNano: minuteOf(quest),
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

/**
 * Where none may be called now: the one that costs least to wait for, where that is soon enough. Who says that it is full
 * is believed; a place that is spared for having failed may work again, and with nowhere else to go nothing is lost by
 * asking: one call at a time does so, and the others hear of it soon.
 */
async function soonest(quest: Quest, standings: readonly Standing[]): Promise<Standing | undefined> {
  const left = await patienceLeft(quest)
  const inOrder = byCost(quest, standings)
  const next = inOrder.find(({ wait }) => wait <= left)
  if (next && next.wait <= SOON) return next
  const spared = inOrder.filter(({ why, place }) => why === 'breaker' && place.tries === 0)
  const asked = spared.find(({ place }) => mayAskEarly(quest, place))
  if (asked) return { ...asked, wait: 0 }
  const [other] = spared
  if (other) return { ...other, wait: left > SOON ? SOON : 0 }
  if (next) return next
  // Rather than to refuse the call, even who is thought to be full is asked, unless it said so itself.
  const thought = inOrder.find(({ place }) => place.tries === 0 && isThoughtFull(quest, place))
  return thought && mayAskEarly(quest, thought.place) ? { ...thought, wait: 0 } : undefined
}

function mayAskEarly({ runtime }: Quest, { route: { upstream, modelId } }: Place): boolean {
  return runtime.steering.breakers.probeEarly(upstream.id, modelId, runtime.now())
}

/** Nobody said for how long. */
function isThoughtFull(quest: Quest, { route, notBefore }: Place): boolean {
  const { breakers, headroom } = quest.runtime.steering
  const now = quest.runtime.now()
  const look = breakers.look(route.upstream.id, route.modelId, now)
  const isRoomy = notBefore <= now && headroom.look(route, expectedOf(quest), now).wait === 0
  return isRoomy && look.open && !look.said && look.class === 'throttled'
}

/** Waits for a place; undefined where all is to be looked at again. */
async function hold(quest: Quest, standing: Standing): Promise<Taken | undefined> {
  const { place, why } = standing
  if (why !== 'headroom') {
    await inTurn(quest, standing)
    return undefined
  }
  const reserved = reserve(quest, place)
  if (!reserved.ready) return { place, reserved }
  let hasCome = false
  const ready = reserved.ready.then(() => {
    hasCome = true
  })
  for (let wait = reserved.wait; wait > 0; wait = await moreOf(quest, standing, reserved)) {
    await inTurn(quest, { place, wait, why }, ready)
    if (quest.signal.aborted) break
    if (hasCome) return { place, reserved }
  }
  reserved.settle(undefined)
  return undefined
}

/**
 * Its turn comes later than was thought: how many milliseconds more it is worth waiting; 0 where it is not. Whoever gives
 * a turn up comes last elsewhere, so that is done only for a place that may be called now.
 */
async function moreOf(quest: Quest, { place, why }: Standing, reserved: Reserved): Promise<number> {
  const left = await patienceLeft(quest)
  if (left <= 0) return 0
  const wait = Math.min(left, Math.max(LEAST, reserved.left()))
  const ready = standingsOf(quest).find((other) => other.wait === 0 && other.place !== place)
  return ready && (await weighed(quest, { place, wait, why }, ready)) === ready ? 0 : wait
}

/** Rests until it may be called, or until it says so itself; the trail tells how long that was. */
async function inTurn(quest: Quest, { place, wait, why }: Standing, ready?: Promise<void>): Promise<void> {
  const { runtime } = quest
  const began = runtime.now()
  const over = new Halt().after(quest.signal)
  // Turns come a little later than was thought, where others are slow.
  const longest = ready ? Math.min(Math.max(wait, SOON), await patienceLeft(quest)) : wait
  const rested = runtime.rest(Math.max(LEAST, longest), over)
  await (ready ? Promise.race([ready, rested]) : rested)
  over.abort('over')
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

/** Who comes to a place that has failed finds out how it is there; one that is open is asked all the same. */
function probe({ runtime }: Quest, { route: { upstream, modelId } }: Place) {
  runtime.steering.breakers.probe(upstream.id, modelId, runtime.now())
}

function reserve({ runtime, call, terms }: Quest, { route }: Place): Reserved {
  return runtime.steering.headroom.reserve(runtime, route, call, terms.who)
}

async function patienceLeft(quest: Quest): Promise<number> {
  quest.patience ??= Math.min((await quest.terms.patience?.()) ?? DEFAULTS.patience, MOST_PATIENCE)
  return Math.max(0, quest.patience - quest.waited)
}

export function gone(): GatewayError {
  return new GatewayError('api_error', 'The client has gone.')
}
