/** What the client is told when no upstream answered: whatever makes it do what helps. */
import { GatewayError } from '../../errors.ts'
import { type Failure, isThrottle } from './failures.ts'
import { soonestOf } from './hold.ts'
import type { Quest } from './quest.ts'
import { isFull } from './standings.ts'

/** Claude Code gives up at once above this many seconds. */
const LONGEST_WAIT = 60

/** Nothing but people help there: the client is told so, and not to ask again. */
const FOR_PEOPLE: ReadonlySet<Failure['class']> = new Set(['credentials', 'billing', 'access'])

/**
 * Of one upstream its own words. Of several: who has no room says when to come back, which is when the first of them has;
 * what only people can mend is said where nothing else is wrong; anything else may be over soon.
 */
export function lastWord(quest: Quest): GatewayError {
  const { failures } = quest
  const [first, ...others] = failures
  if (first && others.length === 0 && quest.places.length === 1) return first.error
  const throttled = failures.find(isThrottle)
  // Who was not even asked had no room.
  if (throttled || quest.places.some((place) => place.tries === 0 && isFull(quest, place)))
    return noRoom(quest, throttled)
  const causes = { cause: first?.error, operator: inWords(failures) }
  if (first && failures.every((each) => FOR_PEOPLE.has(each.class))) return first.error
  return new GatewayError('overloaded_error', 'No upstream of this gateway could answer. Try again.', causes)
}

function noRoom(quest: Quest, throttled: Failure | undefined): GatewayError {
  const soonest = soonestOf(quest)
  const seconds = soonest === undefined ? undefined : Math.max(1, Math.ceil(soonest / 1_000))
  const causes = { cause: throttled?.error, operator: inWords(quest.failures) }
  const when =
    seconds === undefined
      ? { retryAfter: throttled?.error.retryAfter ?? 10 }
      : seconds > LONGEST_WAIT
        ? { retry: false }
        : { retryAfter: seconds }
  const { length } = quest.places
  const all = length === 1 ? 'The upstream' : `Each of the ${length} upstreams`
  const sentence = `${all} that may serve this model is at its limit.`
  return new GatewayError('rate_limit_error', sentence, { ...causes, ...when })
}

/** Names and classes, in the order in which they failed. */
function inWords(failures: readonly Failure[]): string | undefined {
  if (failures.length === 0) return undefined
  return failures.map((each) => [each.class, each.error.operator].filter(Boolean).join(' ')).join('; ')
}
