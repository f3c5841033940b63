/** What breakers remember, by upstream and model: of places that never failed nothing, and of the others not too much. */
import type { FailureClass } from './failures.ts'

export interface State {
  class: FailureClass
  failures: number
  /** Since `since`, for the rate. */
  since: number
  failed: number
  passed: number
  failedAt: number
  /** 0 where it is closed. */
  openUntil: number
  said: boolean
  /** Times that it was opened without having been good in between. */
  times: number
  /** 0 where nobody is finding out. */
  probing: number
}

/** What all models of an upstream share. */
export const ALL = ''

/** Names of models come from callers: who makes them up must not fill the memory. */
const MOST = 2_000

/** What is kept, by upstream and model: the oldest goes where there is too much of it. */
export function newPlaces() {
  const places = new Map<string, Map<string, State>>()
  let count = 0

  function forget(upstream: string, model: string) {
    const models = places.get(upstream)
    if (!models?.delete(model)) return
    count--
    if (models.size === 0) places.delete(upstream)
  }

  function forgetOne() {
    for (const [upstream, models] of places) for (const model of models.keys()) return forget(upstream, model)
  }

  const at = (upstream: string, model: string) => places.get(upstream)?.get(model)

  return {
    forget,
    at,
    both: (upstream: string, model: string) =>
      [at(upstream, ALL), at(upstream, model)].filter((state) => state !== undefined),
    has: (upstream: string) => places.has(upstream),
    add(upstream: string, model: string, state: State) {
      if (count >= MOST) forgetOne()
      const models = places.get(upstream) ?? new Map<string, State>()
      places.set(upstream, models.set(model, state))
      count++
      return state
    },
    all: () =>
      [...places].flatMap(([upstream, models]) =>
        [...models].map(([model, state]) => [upstream, model, state] as const),
      ),
  }
}

export function fresh(failure: FailureClass, now: number): State {
  return {
    class: failure,
    failures: 0,
    since: now,
    failed: 0,
    passed: 0,
    failedAt: now,
    openUntil: 0,
    said: false,
    times: 0,
    probing: 0,
  }
}
