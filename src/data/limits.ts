/**
 * Rate limits, over whichever store the replicas share. A limit is a bucket that refills evenly: a call takes from
 * several at once or from none, and what it turned out to cost is settled when it is known.
 *
 * Why not `@upstash/ratelimit`: it judges one limit a call, so requests and tokens would be two round trips of which the
 * first is spent when the second refuses; its windows charge for refusals, its refunds overfill, and it knows no debt.
 */

/** What is asked of one limit. */
export interface Want {
  /** Tells the limits of a group apart. */
  name: string
  /** What a full bucket holds, and in how many milliseconds an empty one fills. */
  cap: number
  per: number
  /** What it takes. More than the cap counts as the cap: such a call waits for a full bucket, not for ever. */
  cost: number
}

/** `used` says, want by want, what is used of the bucket and has not come back yet; above the cap it is debt. */
export type Taken = Granted | Refused

export interface Granted {
  granted: true
  used: readonly number[]
  /**
   * What each want has cost after all; nothing, where nothing is said. Less than was taken comes back, never above the
   * cap; more is taken on as debt, which has no bound: in the long run a limit lets through what it says. Once a grant.
   */
  settle(costs: readonly number[]): Promise<void> | void
}

/** Nothing was taken of any want. */
export interface Refused {
  granted: false
  used: readonly number[]
}

export interface Limits {
  /**
   * Takes every want or none, in one round trip. The limits of a group live together, so that a cluster holds them on
   * one node. A group is an id: no braces, no spaces.
   */
  take(group: string, wants: readonly Want[]): Taken | Promise<Taken>
}

/** What a want takes. */
export function charged({ cost, cap }: Want): number {
  return Math.min(cost, cap)
}

/** What is to be added where wants have cost this much. */
export function differences(wants: readonly Want[], costs: readonly number[]): number[] {
  return wants.map((want, index) => (costs[index] ?? 0) - charged(want))
}

/** Milliseconds until a bucket of which so much is used has room for the want; at most 0 where it has. */
export function waitFor(want: Want, used: number): number {
  return timeFor(used + charged(want) - want.cap, want)
}

/** Milliseconds in which so much comes back. */
export function timeFor(amount: number, { cap, per }: Want): number {
  return (amount * per) / cap
}

/** Waiting as long as one was told must do: rounding is not held against a want. */
export const ROUNDING = 0.000001
