/**
 * How much room the accounts of upstreams have for a call. AWS counts tokens a minute for each account, region, model and
 * reach of a profile, and takes a call's whole input and `max_tokens` when it begins: see burndown.ts. This process keeps
 * such a bucket for each, by which `look` answers at once; where a quota is known, replicas share the bucket through the
 * store of limits. Where nothing is known and nothing was refused, nothing is in the way.
 */
import type { Call, Usage } from '../../protocol/messages.ts'
import type { Route } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'

/** The tokens to expect of a call, before its usage is known. */
export interface Expected {
  /** All that goes in, cached or not. */
  input: number
  /** What of that is expected to be read from the cache. */
  cacheRead: number
  output: number
  /** What the answer may come to: AWS sets that aside. */
  maxTokens: number
}

/** How a bucket would stand with a call in it. */
export interface Room {
  /** The share of the bucket that is left then, 0 to 1: 1 where no limit is known, 0 where it does not fit now. */
  room: number
  /** Milliseconds until it fits, those that wait already served first; 0 where it fits now. */
  wait: number
}

export interface Reserved {
  /** Milliseconds that its turn is expected to take; 0 where it may be sent at once. */
  wait: number
  /** Resolves when its turn has come, or the client has gone. Undefined where it may be sent at once. */
  ready: Promise<void> | undefined
  /** What it came to. Without a usage it came to nothing: it failed, was refused, or was never sent. Counts once. */
  settle(usage: Usage | undefined): void
  /** The upstream throttled it: counts as settled. `retryAfter` in milliseconds, as AWS says it. */
  throttled(retryAfter?: number, per?: 'minute' | 'day'): void
}

/** What of a runtime is used: on Workers it is each request's own. */
export type Lent = Pick<Runtime, 'limits' | 'now' | 'rest' | 'waitUntil'>

export interface Headroom {
  /** From the length of a call, and what was seen of its session: nothing is parsed but `max_tokens`. */
  expect(call: Call): Expected
  /** By what this process knows: nobody is asked. */
  look(route: Route, expected: Expected, now: number): Room
  /**
   * Takes what a call needs, or a place among those that wait. `settle` or `throttled` is owed in every case; a place is
   * given up by `settle(undefined)`.
   * @param who the developer: fair shares are by this; without it, by session
   */
  reserve(lent: Lent, route: Route, call: Call, who?: string): Reserved
}

export function newHeadroom(): Headroom {
  return {
    expect: () => ({ input: 0, cacheRead: 0, output: 0, maxTokens: 0 }),
    look: () => ({ room: 1, wait: 0 }),
    reserve: () => ({ wait: 0, ready: undefined, settle() {}, throttled() {} }),
  }
}
