/**
 * Keeps calls from places that fail them. Each upstream has a breaker for each model, and one for what all its models
 * share: who lets nobody in lets no model in. After so many failures in a row, or when most calls fail, a breaker is open
 * for a while; then one call at a time finds out whether the place works again. Where it does not, the while is longer.
 * Of places that never failed nothing is kept, so that a call that goes well costs a look into an empty map.
 */
import { ALL, fresh, newPlaces, type State } from './breakerplaces.ts'
import { CONSEQUENCES, type Consequence, type FailureClass } from './failures.ts'

export type Look =
  | { open: false }
  | {
      open: true
      /** Milliseconds since 1970: when a call may find out how it is there. */
      until: number
      class: FailureClass
      /** The upstream said so itself. */
      said: boolean
    }

/** A breaker that has seen failures, for whoever looks on. */
export interface Standing {
  upstream: string
  /** Undefined for what all models of an upstream share. */
  model: string | undefined
  state: 'closed' | 'open' | 'half_open'
  class: FailureClass
  until: number
  /** Failures in a row. */
  failures: number
}

/** `model` is the provider's own id of it, as a route has it. Times in milliseconds since 1970. */
export interface Breakers {
  /** Whether a call may go there now. Changes nothing. */
  look(upstream: string, model: string, now: number): Look
  /**
   * A call goes there. False where somebody else is just finding out how it is there; where true, `succeeded`, `failed` or
   * `left` is owed.
   */
  probe(upstream: string, model: string, now: number): boolean
  /** The same before its time, where there is nowhere else to go. */
  probeEarly(upstream: string, model: string, now: number): boolean
  succeeded(upstream: string, model: string, now: number): void
  /** @param wait milliseconds, where the upstream said when to come back */
  failed(upstream: string, model: string, now: number, failure: FailureClass, wait?: number): void
  /** A call that had leave to go there ended without saying anything of the place. */
  left(upstream: string, model: string): void
  /** Those that are not as new. */
  standings(now: number): Standing[]
}

/** Of so many calls lately, most failed: as bad as so many failures in a row. */
const FEW = 10
const LATELY = 60_000
/** Who finds out has so long for it; then another one may. What comes of it is mostly known soon. */
const PROBE_HOLDS = 60_000
const SOON = 2_000
/** A breaker that has been good for so long is as new. */
const FORGOTTEN_AFTER = 600_000
/** No upstream says that it will be away for longer than this, and means it. */
const LONGEST_SAID = 3_600_000

const CLOSED: Look = { open: false }

/** @param chance from 0 to 1, so that what failed together does not come back together */
export function newBreakers(chance: () => number = Math.random): Breakers {
  const places = newPlaces()

  /** The one of the two that is open for longer. */
  function look(upstream: string, model: string, now: number): Look {
    if (!places.has(upstream)) return CLOSED
    const all = lookAt(places.at(upstream, ALL), now)
    const own = lookAt(places.at(upstream, model), now)
    return own.open && (!all.open || own.until > all.until) ? own : all
  }

  function pass(upstream: string, model: string, now: number) {
    const state = places.at(upstream, model)
    if (!state) return
    succeed(state, now)
    if (now - state.failedAt > FORGOTTEN_AFTER) places.forget(upstream, model)
  }

  function claim(upstream: string, model: string, now: number): true {
    for (const state of places.both(upstream, model))
      if (state.openUntil > 0) state.probing = now + PROBE_HOLDS
    return true
  }

  function left(upstream: string, model: string) {
    for (const state of places.both(upstream, model)) state.probing = 0
  }

  return {
    look,
    left,
    probe(upstream, model, now) {
      if (!places.has(upstream)) return true
      return !look(upstream, model, now).open && claim(upstream, model, now)
    },
    probeEarly(upstream, model, now) {
      const isClaimed = places.both(upstream, model).some(({ probing }) => probing > now)
      return !isClaimed && claim(upstream, model, now)
    },
    succeeded(upstream, model, now) {
      if (!places.has(upstream)) return
      pass(upstream, ALL, now)
      pass(upstream, model, now)
    },
    failed(upstream, model, now, failure, wait) {
      const consequence = CONSEQUENCES[failure]
      const name = consequence.of === 'upstream' ? ALL : model
      const state = places.at(upstream, name) ?? places.add(upstream, name, fresh(failure, now))
      const isHalfOpen = state.openUntil > 0 && state.openUntil <= now
      left(upstream, model)
      fail(state, failure, now)
      // Somebody answered, so that what was thought of the whole upstream no longer holds.
      if (name !== ALL && failure !== 'slow') pass(upstream, ALL, now)
      if (wait !== undefined || isHalfOpen || isEnough(state, consequence))
        open(state, consequence, { now, wait, chance })
    },
    standings: (now) => places.all().map(([upstream, model, state]) => standing(upstream, model, state, now)),
  }
}

function fail(state: State, failure: FailureClass, now: number) {
  if (now - state.since > LATELY) Object.assign(state, { since: now, failed: 0, passed: 0 })
  if (now - state.failedAt > FORGOTTEN_AFTER) state.times = 0
  state.failures++
  state.class = failure
  state.failed++
  state.failedAt = now
}

function succeed(state: State, now: number) {
  if (state.openUntil > 0) {
    // It works again. What is known of it stays for a while: should it fail soon, it is open for longer.
    Object.assign(state, { openUntil: 0, probing: 0, since: now, failed: 0, passed: 0 })
  }
  state.failures = 0
  state.passed++
}

function isEnough({ failures, failed, passed }: State, { after }: Consequence): boolean {
  return failures >= after || (failed + passed >= FEW && failed * 2 >= failed + passed)
}

interface Opening {
  now: number
  wait: number | undefined
  chance(): number
}

function open(state: State, { pause, longest }: Consequence, { now, wait, chance }: Opening) {
  // Calls that were on their way when it opened must not make it longer.
  if (state.openUntil > now && wait === undefined) return
  const isOpen = state.openUntil > now
  const grown = Math.min(longest, pause * 2 ** state.times) * (0.8 + 0.4 * chance())
  const shut = wait === undefined ? grown : Math.min(wait, LONGEST_SAID)
  state.openUntil = Math.max(isOpen ? state.openUntil : 0, now + Math.max(1, shut))
  state.said = wait !== undefined
  if (!isOpen) state.times = Math.min(state.times + 1, 30)
}

function lookAt(state: State | undefined, now: number): Look {
  if (!state || state.openUntil === 0) return CLOSED
  const { openUntil, probing, class: failure } = state
  if (openUntil > now) return { open: true, until: openUntil, class: failure, said: state.said }
  if (probing <= now) return CLOSED
  return { open: true, until: Math.min(probing, now + SOON), class: failure, said: false }
}

function standing(upstream: string, model: string, state: State, now: number): Standing {
  const { class: failure, failures, openUntil } = state
  return {
    upstream,
    model: model === ALL ? undefined : model,
    state: openUntil === 0 ? 'closed' : openUntil > now ? 'open' : 'half_open',
    class: failure,
    until: openUntil,
    failures,
  }
}
