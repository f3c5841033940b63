/**
 * Looks for an upstream that answers. Each is tried at most once, one that had no room once more after it was waited for;
 * of one that is slow to begin another one is tried beside it. The first content decides: nothing is tried after it.
 */

import { Halt } from '../../protocol/halt.ts'
import type { Route } from '../../providers/provider.ts'
import { sawDetour } from '../sightings.ts'
import { type Answered, type Attempt, begin, type Ended, judged } from './attempt.ts'
import { type Failure, isThrottle } from './failures.ts'
import { gone, letGo, pick, spare } from './hold.ts'
import { lastWord } from './lastword.ts'
import { type Quest, turnTo } from './quest.ts'
import { slowAfter, tellHedge } from './slowstream.ts'

export interface Found extends Answered {
  /** The model that answers. */
  model: string
  route: Route
}

/** @throws GatewayError where no upstream answers, in the words that help the client most. */
export async function seek(quest: Quest): Promise<Found> {
  const running: Attempt[] = []
  try {
    for (;;) {
      if (running.length === 0 && !(await setOut(quest, running))) throw lastWord(quest)
      const ended = await first(quest, running)
      if (!ended) {
        hedge(quest, running)
        continue
      }
      const { attempt } = ended
      const { place } = attempt
      running.splice(running.indexOf(attempt), 1)
      if ('reply' in ended) return found(quest, ended, running)
      const failure = judged(quest, place.route, ended.error)
      if (!failure) throw ended.error
      quest.failures.push(failure)
      if (isThrottle(failure)) place.notBefore = comesBack(quest, place.route, failure)
      if (running.length > 0) hedge(quest, running)
    }
  } finally {
    for (const attempt of running) attempt.giveUp('gone')
  }
}

/** Goes to the next place; where there is none for this model, to that of the next model. */
async function setOut(quest: Quest, running: Attempt[]): Promise<boolean> {
  for (;;) {
    const picked = pick(quest)
    const taken = picked instanceof Promise ? await picked : picked
    if (quest.signal.aborted) {
      if (taken) letGo(quest, taken)
      throw gone()
    }
    if (taken) {
      running.push(begin(quest, taken.place, taken.reserved))
      return true
    }
    const other = await quest.terms.instead?.(quest.failures)
    if (!other) return false
    turnTo(quest, other)
  }
}

/** The first to end; undefined where it is time to try another one beside it. */
function first(quest: Quest, running: readonly Attempt[]): Promise<Ended | undefined> {
  const [only, other] = running
  const after = other ? undefined : slowAfter(quest)
  return only && after === undefined && !other ? only.ended : firstOf(quest, running, after)
}

async function firstOf(quest: Quest, running: readonly Attempt[], after: number | undefined) {
  const ends = running.map(({ ended }) => ended)
  if (after === undefined) return Promise.race(ends)
  const over = new Halt()
  const slow = quest.runtime.rest(after, over).then(() => undefined)
  const ended = await Promise.race([...ends, slow])
  over.abort('over')
  return ended
}

/** Tries another one beside what is slow, where there is one to be had. */
function hedge(quest: Quest, running: Attempt[]) {
  const taken = spare(quest)
  const [slow] = running
  if (!taken || !slow) return
  const { place, sentAt } = slow
  tellHedge(quest, place.route, taken.place.route, quest.runtime.now() - sentAt)
  running.push(begin(quest, taken.place, taken.reserved))
}

/** Those that are still under way were too slow. */
function found(quest: Quest, { attempt, reply, over }: Ended & Answered, running: Attempt[]): Found {
  for (const slow of running.splice(0)) slow.giveUp('slow')
  const { route } = attempt.place
  const missed = quest.places.find(({ tries, route: other }) => tries > 0 && other !== route)
  if (missed) sawDetour(quest.runtime, missed.route, route)
  quest.witness.took?.(route)
  return { route, reply, over, model: quest.call.model }
}

/** Where nobody says when there will be room: a minute's quota refills steadily. Milliseconds. */
const A_WHILE = 5_000

/** When one that was throttled may be asked again, in milliseconds since 1970; 0 where that is not this call's to see. */
function comesBack({ runtime, expected }: Quest, route: Route, { class: said, wait }: Failure): number {
  if (said === 'spent_today') return 0
  const room = expected ? runtime.steering.headroom.look(route, expected, runtime.now()).wait : 0
  return runtime.now() + (wait ?? Math.max(room, A_WHILE))
}
