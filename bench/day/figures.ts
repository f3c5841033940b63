/** What is kept of a day. */
import type { Contender, Day, DayWish } from './day.ts'

export interface Figures {
  id: string
  name: string
  /** Steps of the work, and the requests that they took. */
  steps: number
  requests: number
  /** Throttles that clients saw; those while some account had room, and their share of requests. */
  throttled: number
  needless: number
  needlessShare: number
  /** Steps that no answer came to, whatever was tried. */
  givenUp: number
  /** Of all tokens that went in, those read from a cache. */
  cacheRead: number
  /** What it cost to write anew what another account had in its cache, and what everything cost. Dollars. */
  rewritten: number
  moves: number
  dollars: number
  /** From a client's first try until the upstream that answered got it. Milliseconds. */
  wait: { p50: number; p95: number; p99: number; max: number }
  /** What upstreams refused, and attempts of calls after their first. */
  refusals: number
  failovers: number
  other: Record<string, number>
}

export interface Result extends DayWish {
  rows: Figures[]
}

export function figuresOf({ id, name }: Contender, { experience, seen, detours }: Day): Figures {
  const { asks, requests, throttled, needless, givenUp, waits, failed } = experience
  const { input, cacheRead, cacheWrite } = seen.tokens
  const sorted = Float64Array.from(waits).sort()
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return {
    id,
    name,
    steps: asks,
    requests,
    throttled,
    needless,
    needlessShare: needless / Math.max(1, requests),
    givenUp,
    cacheRead: cacheRead / Math.max(1, input + cacheRead + cacheWrite),
    rewritten: inCents(seen.rewritten.dollars),
    moves: seen.rewritten.moves,
    dollars: inCents(seen.dollars),
    wait: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    refusals: seen.throttled,
    failovers: detours,
    other: Object.fromEntries(failed),
  }
}

function inCents(dollars: number): number {
  return Math.round(dollars * 100) / 100
}
