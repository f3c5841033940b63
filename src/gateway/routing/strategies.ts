/**
 * In which order upstreams are tried. What can be told from the session alone is: replicas that ask nobody agree, and
 * when an upstream goes away only its own sessions move, each to the next of its own order (rendezvous hashing).
 */
import type { Strategy } from '../../data/tables/upstreams.ts'
import type { Fit } from './eligible.ts'

export interface Order {
  strategy: Strategy
  /** The same of all calls that are to go to the same upstream. */
  seed: string
  /** Calls under way, by upstream. */
  underWay: ReadonlyMap<string, number>
}

/** The best first. One of weight 0 comes after all others: it gets a new session only where there is nothing else. */
export function ordered<Each extends Fit>(fits: readonly Each[], order: Order): Each[] {
  if (fits.length < 2) return [...fits]
  const ranked = fits.map((fit) => ({ fit, rank: rankOf(fit, order) }))
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ fit }) => fit)
}

/** What comes first decides; what follows only among those that are equal. */
function rankOf(fit: Fit, { strategy, seed, underWay }: Order): readonly number[] {
  const { id, weight, priority } = fit.configured
  const drained = weight > 0 ? 0 : 1
  const share = Math.max(1, weight)
  switch (strategy) {
    case 'priority':
      return [drained, priority, turn(seed, id, share)]
    case 'least_loaded':
      return [
        drained,
        ((underWay.get(id) ?? 0) + 1) / (share * Math.max(fit.room, LEAST)),
        turn(seed, id, share),
      ]
    case 'weighted':
      return [drained, turn(seed, id, share)]
    case 'sticky':
      return [drained, turn(seed, id, share * inQuarters(fit.room))]
  }
}

const LEAST = 0.01

/** Replicas that see a little more or less of a bucket are still to agree. */
function inQuarters(room: number): number {
  return Math.max(LEAST, Math.ceil(room * 4) / 4)
}

/**
 * An upstream's turn, the least of which wins: that happens to each as often as its share is of all shares.
 * https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
 */
function turn(seed: string, id: string, share: number): number {
  return -Math.log(chance(`${id}\n${seed}`)) / share
}

/** A number between 0 and 1, both excluded, the same for the same text: FNV-1a, its bits mixed as MurmurHash does. */
function chance(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32
}

function compare(some: readonly number[], others: readonly number[]): number {
  for (const [index, each] of some.entries()) {
    const other = others[index] ?? 0
    if (each !== other) return each - other
  }
  return 0
}
