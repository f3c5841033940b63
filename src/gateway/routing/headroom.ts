/**
 * How much room the accounts of upstreams have for a call. AWS counts tokens a minute for each account, region, model and
 * reach of a profile, and takes a call's whole input and `max_tokens` when it begins: see burndown.ts. This process keeps
 * such a bucket for each, by which `look` answers at once; where a quota is known, replicas share the bucket through the
 * store of limits. Where nothing is known and nothing was refused, nothing is in the way.
 */
import type { Quota } from '../../protocol/findings.ts'
import type { Call, Usage } from '../../protocol/messages.ts'
import type { Route } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'
import { maxTokensOf } from '../read.ts'
import {
  type Expected,
  type Holder,
  holderOf,
  quotaFor,
  takenAtStart,
  takenInTheEnd,
  takenLikely,
} from './burndown.ts'
import { type Line, newLine, waitOf } from './headroomline.ts'
import type { Minute } from './headroomminutes.ts'
import { seatIn } from './headroomseat.ts'
import { newSizes } from './headroomsizes.ts'

export type { Expected } from './burndown.ts'

/** How a bucket would stand with a call in it. */
export interface Room {
  /** The share of the bucket that is left then, 0 to 1: 1 where no limit is known, 0 where it does not fit now. */
  room: number
  /** Milliseconds until it fits, those that wait already served first; 0 where it fits now. */
  wait: number
}

export interface Reserved {
  /** A quota says how much room there is; else that was learned from throttles. */
  isSaid: boolean
  /** Milliseconds that its turn is expected to take; 0 where it may be sent at once. */
  wait: number
  /** The same, as of now. */
  left(): number
  /** Resolves when its turn has come, or it was given up. Undefined where it may be sent at once. */
  ready: Promise<void> | undefined
  /** What it came to. Without a usage it came to nothing: it failed, was refused, or was never sent. Counts once. */
  settle(usage: Usage | undefined): void
  /** The upstream throttled it: counts as settled. `retryAfter` in milliseconds, as AWS says it. */
  throttled(retryAfter?: number, per?: 'minute' | 'day'): void
}

/** What of a runtime is used: on Workers it is each request's own. */
export type Lent = Pick<Runtime, 'limits' | 'now' | 'rest' | 'waitUntil'>

/** How a bucket stands. */
export interface Stand {
  name: string
  holder: Holder
  /** Ids of the upstreams that share it. */
  upstreams: readonly string[]
  /** As it was found; undefined where none is known. */
  quota: Quota | undefined
  /** What it is taken to hold; undefined where nothing is known. */
  capacity: number | undefined
  used: number
  /** Calls under way, and calls that wait for room. */
  underWay: number
  waiting: number
  /** Milliseconds until anything is sent again; 0 where it is open. */
  closedFor: number
  minutes: readonly Minute[]
}

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
  /** Every bucket that was lately used here. */
  stands(now: number): readonly Stand[]
}

/** Whoever may name models must not fill the memory. */
const MOST_LINES = 1_000

export function newHeadroom(): Headroom {
  const lines = new Map<string, Line>()
  const sizes = newSizes()

  function lineOf(route: Route): Line {
    const holder = holderOf(route)
    const name = nameOf(holder)
    const line = lines.get(name) ?? begun(name, holder)
    const quota = quotaFor(route, holder)
    if (quota && quota !== line.quota) {
      line.quota = quota
      line.bucket.said = quota.tokensPerMinute
    }
    line.upstreams.add(route.upstream.id)
    return line
  }

  function begun(name: string, holder: Holder): Line {
    if (lines.size >= MOST_LINES) forgetOne(lines)
    const line = newLine(name, holder)
    lines.set(name, line)
    return line
  }

  function expect(call: Call): Expected {
    const expected = sizes.expect(call.session, call.body.length, maxTokensOf(call))
    expected.background = isBackground(call)
    return expected
  }

  return {
    expect,
    look(route, expected, now) {
      const line = lineOf(route)
      const { bucket, queue } = line
      const capacity = bucket.capacity(now)
      if (capacity === undefined && bucket.closedUntil() <= now) return UNLIMITED
      const cost = takenAtStart(route, expected)
      const wait = waitOf(line, { cost, background: expected.background ?? false }, queue.tokens(), now)
      if (capacity === undefined || wait > 0 || queue.size() > 0) return { room: 0, wait }
      return { room: Math.max(0, capacity - bucket.used(now) - cost) / capacity, wait: 0 }
    },
    reserve(lent, route, call, who = call.session ?? '') {
      const { session, startedAt } = call
      const { length } = call.body // and no more of the call: a seat is kept as long as the answer lasts
      const expected = expect(call)
      const ask = {
        who,
        background: expected.background ?? false,
        startedAt,
        cost: takenAtStart(route, expected),
        likely: takenLikely(route, expected),
        taken: (usage: Usage) => takenInTheEnd(route, usage),
        learn: (usage: Usage) => sizes.learn(session, length, usage),
      }
      return seatIn(lineOf(route), ask, lent)
    },
    stands: (now) => [...lines.values()].map((line) => standOf(line, now)),
  }
}

const UNLIMITED: Room = { room: 1, wait: 0 }

function nameOf({ account, region, model, reach, front }: Holder): string {
  return `${account}/${region}/${model}/${reach}/${front}`
}

/** The oldest in which nothing is under way. */
function forgetOne(lines: Map<string, Line>) {
  for (const [name, { afloat, queue }] of lines) {
    if (afloat.size > 0 || queue.size() > 0) continue
    lines.delete(name)
    return
  }
}

/** A call of Claude Code's beside the conversation carries no tools, and is short: titles, summaries, probes. */
const SHORT = 20_000

/** Work that nobody looks at: a subagent's, and the small calls that a client makes beside the conversation. */
export function isBackground({ agent, session, body, outline }: Call): boolean {
  if (agent !== undefined) return true
  if (session === undefined || body.length > SHORT) return false
  return !outline.members?.some(({ key, elements }) => key === 'tools' && (elements?.length ?? 0) > 0)
}

function standOf({ bucket, queue, afloat, quota, upstreams }: Line, now: number): Stand {
  return {
    name: bucket.name,
    holder: bucket.holder,
    upstreams: [...upstreams],
    quota,
    capacity: bucket.capacity(now),
    used: bucket.used(now),
    underWay: afloat.size,
    waiting: queue.size(),
    closedFor: Math.max(0, bucket.closedUntil() - now),
    minutes: bucket.minutes.all(now),
  }
}
