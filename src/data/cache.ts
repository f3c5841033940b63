/**
 * Plain data that outlives a request, bounded: the least recently used goes first. Failures are not remembered.
 */
import type { Cache, Remembered } from '../runtime.ts'

interface Entry {
  value: unknown
  until: number
}

interface Options {
  entries: number
  now: () => number
  /**
   * Whether whoever comes while a value is loaded waits for that. Not on Workers: what one request is doing there, no
   * other may wait for, since it ends with the request. https://developers.cloudflare.com/workers/observability/errors/
   */
  shareLoads?: boolean
}

export function memoryCache({ entries, now, shareLoads = true }: Options): Cache {
  const kept = new Map<string, Entry>()
  const asked = new Map<string, Promise<unknown>>()

  function keep(key: string, { value, ttl }: Remembered<unknown>) {
    kept.delete(key)
    kept.set(key, { value, until: now() + ttl })
    if (kept.size > entries) {
      const [oldest] = kept.keys()
      if (oldest !== undefined) kept.delete(oldest)
    }
  }

  function ask<T>(key: string, load: () => Promise<Remembered<T>>): Promise<T> {
    const answer = load()
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

  return {
    async remember<T>(key: string, load: () => Promise<Remembered<T>>): Promise<T> {
      const entry = kept.get(key)
      if (entry && entry.until > now()) {
        kept.delete(key)
        kept.set(key, entry)
        return entry.value as T
      }
      const coming = shareLoads ? (asked.get(key) as Promise<T> | undefined) : undefined
      return coming ?? ask(key, load)
    },
    forget(key) {
      kept.delete(key)
      asked.delete(key) // an answer already on its way is given to who asked, and not kept
    },
  }
}
