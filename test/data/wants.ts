/** What tests ask of limits, and what they expect to hear. */
import type { Granted, Hold, Limits, Rate, Taken, Want } from '../../src/data/limits.ts'

const MINUTE = 60_000
export const DAY = 86_400_000

export const wanting = (cost: number, more: Partial<Rate> = {}): Rate => ({
  kind: 'rate',
  name: 'requests',
  cap: 10,
  per: MINUTE,
  cost,
  ...more,
})

export const holding = (cost: number, more: Partial<Hold> = {}): Hold => ({
  kind: 'hold',
  name: 'budget',
  cap: 100,
  cost,
  until: Date.UTC(2027, 10, 20),
  ...more,
})

/** Of rates of which so much is used. */
export const grantedAt = (...used: number[]) => ({
  granted: true,
  standings: used.map((each) => ({ used: each })),
})
export const refusedAt = (...used: number[]) => ({ ...grantedAt(...used), granted: false, unknown: [] })

/** What a test does with the limits of its own, on a clock that it moves. */
export interface Bench {
  clock: { now: number }
  take(...wants: Want[]): Promise<Taken>
  granted(...wants: Want[]): Promise<Granted>
  limits(): Limits
  /** A limit by this name of no other test's. */
  own(name: string): string
}
