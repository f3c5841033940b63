/**
 * Plain data that outlives a request, bounded: the least recently used goes first. What cannot be had anew may be
 * served for a while longer; failures are not remembered.
 */
import { inTime } from '../protocol/deadline.ts'
import type { Cache, Remembered } from '../runtime.ts'

interface CacheOptions {
  entries: number
  now: () => number
  /**
   * Whether requests wait for one load together, and values are renewed in the background. Not on Workers: what one
   * request is doing there ends with it. https://developers.cloudflare.com/workers/observability/errors/
   */
  shareLoads?: boolean
  /** How long one load is waited for, in milliseconds. */
  patience?: number
}

const PATIENCE = 5_000
/** Where an older value can be served instead. */
const IMPATIENCE = 1_000
/** After a failure the older value is served for so long before anybody asks again. */
const PAUSE = 2_000

interface Entry {
  value: unknown
  /** When it is time to ask anew: beside the request that notices, and on its time. */
  renewAt: number
  until: number
  graceUntil: number
}

export function memoryCache(options: CacheOptions): Cache {
  const { entries, now, shareLoads = true, patience = PATIENCE } = options
  const kept = new Map<string, Entry>()
  const asked = new Map<string, Promise<unknown>>()

  function keep(key: string, { value, ttl, grace }: Remembered<unknown>) {
    const until = now() + ttl
    const graceUntil = until + (grace ?? 0)
    kept.delete(key)
    kept.set(key, { value, renewAt: grace === undefined ? until : until - ttl / 2, until, graceUntil })
    if (kept.size > entries) {
      const [oldest] = kept.keys()
      if (oldest !== undefined) kept.delete(oldest)
    }
  }

  function ask<T>(key: string, load: () => Promise<Remembered<T>>): Promise<T> {
    const under = asked.get(key) as Promise<T> | undefined
    if (under && shareLoads) return under
    const answer = inTime(patience, load)
      .then((remembered) => {
        if (asked.get(key) === answer) keep(key, remembered)
        return remembered.value
      })
      .finally(() => {
        if (asked.get(key) === answer) asked.delete(key)
      })
    asked.set(key, answer)
    return answer
  }

  async function orOlder<T>(key: string, load: () => Promise<Remembered<T>>, entry: Entry): Promise<T> {
    try {
      return await inTime(Math.min(patience, IMPATIENCE), () => ask(key, load))
    } catch {
      entry.renewAt = entry.until = Math.min(now() + PAUSE, entry.graceUntil)
      return entry.value as T
    }
  }

  function renew<T>(key: string, load: () => Promise<Remembered<T>>, entry: Entry) {
    entry.renewAt = now() + PAUSE
    ask(key, load).catch(() => {}) // there is time to ask again
  }

  /** While it is not even half full nothing is about to go, and in which order it was used does not matter yet. */
  function touch(key: string, entry: Entry) {
    if (kept.size * 2 <= entries) return
    kept.delete(key)
    kept.set(key, entry)
  }

  return {
    known<T>(key: string): T | undefined {
      const entry = kept.get(key)
      if (!entry || entry.until <= now() || (shareLoads && entry.renewAt <= now())) return undefined
      touch(key, entry)
      return entry.value as T
    },
    async remember<T>(key: string, load: () => Promise<Remembered<T>>): Promise<T> {
      const entry = kept.get(key)
      const at = now()
      if (!entry || entry.graceUntil <= at) return ask(key, load)
      touch(key, entry)
      if (entry.until <= at) return orOlder(key, load, entry)
      if (entry.renewAt <= at && shareLoads) renew(key, load, entry)
      return entry.value as T
    },
    forget(key) {
      kept.delete(key)
      asked.delete(key) // an answer already on its way is given to who asked, and not kept
    },
  }
}
