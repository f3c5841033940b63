/**
 * What may be used of what is limited, over whichever store the replicas share. A call takes from several limits at once
 * or from none, in one round trip, and what it turned out to cost is settled when it is known. There are two kinds: a
 * rate is a bucket that refills evenly, a hold is an account of what is spent and of what is set aside for calls under way.
 *
 * Why not `@upstash/ratelimit`: it judges one limit a call, so requests and tokens would be two round trips of which the
 * first is spent when the second refuses; its windows charge for refusals, its refunds overfill, and it knows no debt.
 */

/** What is asked of one limit. */
export type Want = Rate | Hold

/** So much a time: requests a minute. */
export interface Rate {
  kind: 'rate'
  /** Of all limits of an installation: `key:key_1:requests`. Once a call. */
  name: string
  /** What a full bucket holds, and in how many milliseconds an empty one fills. */
  cap: number
  per: number
  /** What it takes. More than the cap counts as the cap: such a call waits for a full bucket, not for ever. */
  cost: number
}

/** So much at all, in whole numbers: dollars of a window; or, where nothing is ever spent, so much at once. */
export interface Hold {
  kind: 'hold'
  /** As a rate's; no rate has the same. */
  name: string
  /** It has room while less than that is spent and held; null is always. */
  cap: number | null
  /** What is set aside, or as much of it as there is room. */
  cost: number
  /** When the account may be forgotten, in milliseconds since 1970. The latest that was said holds. */
  until: number
  /**
   * At least that is spent, as the ledger knows; kept also where the call is refused. An account that the store does not
   * know is begun with it, and nothing is taken without it. Zero for what is only ever held.
   */
  floor?: number | undefined
}

/** Of a rate, what is used of the bucket and has not come back yet; above the cap it is debt. */
export interface Level {
  used: number
}

/** Of a hold, what is settled, and what is set aside for calls under way in any process that lives. */
export interface Account {
  spent: number
  held: number
}

export type Standing = Level | Account

/** How each want stands now, this call's own part included. */
export type Taken = Granted | Refused

export interface Granted {
  granted: true
  standings: readonly Standing[]
  /** Of each hold, what was set aside: less than its cost, where there was no room for more. Of a rate nothing. */
  asides: readonly number[]
  /**
   * What each want has cost after all; nothing, where nothing is said. Once a grant.
   *
   * Of a rate: less than was taken comes back, never above the cap; more is taken on as debt, which has no bound: in the
   * long run a limit lets through what it says. Of a hold: what was set aside is free again, and the cost is spent,
   * unless the account is forgotten by now.
   */
  settle(costs: readonly number[]): Promise<void> | void
}

/** Nothing was taken of any want. */
export interface Refused {
  granted: false
  standings: readonly Standing[]
  /** Indexes of the wants whose accounts are not known: they are asked for again with a floor. */
  unknown: readonly number[]
}

/** What the ledger knows of an account. */
export interface Floor {
  name: string
  floor: number
  until: number
}

export interface Limits {
  /** Takes every want or none, in one round trip. */
  take(wants: readonly Want[]): Taken | Promise<Taken>
  /** From now on at least that is spent: makes good what no store was told. */
  raise(floors: readonly Floor[]): Promise<void> | void
}

/** Whether this want by itself would be let through, as it stands with nothing taken. */
export function hasRoom(want: Want, standing: Standing | undefined): boolean {
  if (want.kind === 'rate') return usedOf(standing) + charged(want) <= want.cap + ROUNDING
  const { spent, held } = accountOf(standing)
  return want.cap === null || spent + held < want.cap
}

export function usedOf(standing: Standing | undefined): number {
  return standing && 'used' in standing ? standing.used : 0
}

export function accountOf(standing: Standing | undefined): Account {
  return standing && 'spent' in standing ? standing : { spent: 0, held: 0 }
}

/** What a rate is charged. */
export function charged({ cost, cap }: Rate): number {
  return Math.min(cost, cap)
}

/** What a hold sets aside. */
export function setAside({ cost, cap }: Hold, { spent, held }: Account): number {
  return cap === null ? cost : Math.min(cost, Math.max(0, cap - spent - held))
}

/** Milliseconds until a bucket of which so much is used has room for the want; at most 0 where it has. */
export function waitFor(want: Rate, used: number): number {
  return timeFor(used + charged(want) - want.cap, want)
}

/** Milliseconds in which so much comes back. */
export function timeFor(amount: number, { cap, per }: Rate): number {
  return (amount * per) / cap
}

/** For so many milliseconds an account is kept at least: clocks differ. */
export const SHORTEST = 60_000

/** Waiting as long as one was told must do: rounding is not held against a want. */
export const ROUNDING = 0.000001
