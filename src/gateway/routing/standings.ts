/** How the places stand that a call may yet be sent to: which of them it may be sent to now, and when the others. */
import { isThrottle } from './failures.ts'
import type { Place, Quest } from './quest.ts'

/** Why a place may not be called now. */
export type Why = 'throttled' | 'headroom' | 'breaker'

export interface Standing {
  place: Place
  /** Milliseconds; 0 where it may be called. */
  wait: number
  why: Why
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

/** Of those that may be tried yet, in their order. */
export function standingsOf(quest: Quest): Standing[] {
  const now = quest.runtime.now()
  return quest.places.filter(isLeft).map((place) => standing(quest, place, now))
}

/** Each is tried once; one that had no room once more, when it may have. */
function isLeft({ tries, notBefore }: Place): boolean {
  return tries === 0 || (tries === 1 && notBefore > 0)
}

function standing(quest: Quest, place: Place, now: number): Standing {
  const { breakers, headroom } = quest.runtime.steering
  const { route } = place
  const look = breakers.look(route.upstream.id, route.modelId, now)
  const waits: [Why, number][] = [
    ['throttled', place.notBefore - now],
    ['breaker', look.open ? look.until - now : 0],
    ['headroom', headroom.look(route, expectedOf(quest), now).wait],
  ]
  const [why, wait] = waits.reduce((a, b) => (b[1] > a[1] ? b : a))
  const isFull = look.open && isThrottle(look)
  return { place, wait: Math.max(0, wait), why: why === 'breaker' && isFull ? 'throttled' : why }
}

function expectedOf(quest: Quest) {
  quest.expected ??= quest.runtime.steering.headroom.expect(quest.call)
  return quest.expected
}

/** Nobody said for how long. */
export function isThoughtFull(quest: Quest, { route, notBefore }: Place): boolean {
  const { breakers, headroom } = quest.runtime.steering
  const now = quest.runtime.now()
  const look = breakers.look(route.upstream.id, route.modelId, now)
  const isRoomy = notBefore <= now && headroom.look(route, expectedOf(quest), now).wait === 0
  return isRoomy && look.open && !look.said && look.class === 'throttled'
}

/** It has no room, by its own word or by what is known of its quota. */
export function isFull(quest: Quest, place: Place): boolean {
  const { wait, why } = standing(quest, place, quest.runtime.now())
  return wait > 0 && why !== 'breaker'
}
