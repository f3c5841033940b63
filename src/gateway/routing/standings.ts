/** How the places that a call may yet go to stand: for how long each has to be waited for, and why. */
import type { Place, Quest } from './quest.ts'

/** Why a place may not be called now. */
export type Why = 'throttled' | 'headroom' | 'breaker'

export interface Standing {
  place: Place
  /** Milliseconds; 0 where it may be called. */
  wait: number
  why: Why
}

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
  const isFull = look.open && (look.class === 'throttled' || look.class === 'spent_today')
  return { place, wait: Math.max(0, wait), why: why === 'breaker' && isFull ? 'throttled' : why }
}

export function expectedOf(quest: Quest) {
  quest.expected ??= quest.runtime.steering.headroom.expect(quest.call)
  return quest.expected
}

/** It has no room, by its own word or by what is known of its quota. */
export function isFull(quest: Quest, place: Place): boolean {
  const { wait, why } = standing(quest, place, quest.runtime.now())
  return wait > 0 && why !== 'breaker'
}
