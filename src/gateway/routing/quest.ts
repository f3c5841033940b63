/** One call on its way to an upstream that answers it: what it may do, what was tried, what it has waited. */
import type { TrailStep } from '../../data/tables/trail.ts'
import type { Halting } from '../../protocol/halt.ts'
import type { Call, Usage } from '../../protocol/messages.ts'
import type { Route } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'
import type { Prices } from '../prices/book.ts'
import type { Expected } from './burndown.ts'
import type { Choice } from './choice.ts'
import type { Failure } from './failures.ts'
import type { Told } from './trail.ts'

/** Who keeps account of a call's way. */
export interface Witness extends Told {
  /** A request has just left. */
  sent(route: Route): void
  /** It answers: of several that were asked not always the last. */
  took?(route: Route): void
  /** An upstream worked on it in vain: what that came to. */
  lost?(route: Route, usage: Usage): void
}

/** What holds for a call beyond where it may go. */
export interface Terms {
  /** The developer, for fair shares. */
  who?: string | undefined
  /** What going elsewhere is priced by; without them nothing is weighed, and it goes. */
  prices?: Prices | undefined
  /** How long it may be kept waiting, in milliseconds; asked for only where there is something to wait for. */
  patience?(): Promise<number>
  /** Another model that may answer, where no upstream serves this one; each time the next. */
  instead?(failed: readonly Failure[]): Promise<Instead | undefined>
}

/** Another model, and where it may run. */
export interface Instead {
  model: string
  choice: Choice
  prices: Prices
}

/** A place that may be tried yet. */
export interface Place {
  route: Route
  /** It was tried so often. */
  tries: number
  /** It was throttled: not before. Milliseconds since 1970. */
  notBefore: number
}

export interface Quest {
  readonly runtime: Runtime
  readonly witness: Witness
  readonly terms: Terms
  /** Aborts when nobody waits any more. */
  readonly signal: Halting
  call: Call
  choice: Choice
  prices: Prices | undefined
  /** There is nothing to choose: nothing is weighed, and nobody but the upstream says when to come back. */
  isAlone: boolean
  places: Place[]
  failures: Failure[]
  /** Milliseconds. */
  waited: number
  patience: number | undefined
  expected: Expected | undefined
  /** The wait that was told last, while nothing has come in between: it may go on. */
  wait: Waited | undefined
  /** What was weighed last, and how. */
  weighed: string | undefined
}

export type Waited = Extract<TrailStep, { did: 'waited' }>

/** A call that sets out. */
export function questFor(
  runtime: Runtime,
  choice: Choice,
  call: Call,
  more: Pick<Quest, 'witness' | 'terms' | 'signal'>,
): Quest {
  return {
    runtime,
    ...more,
    call,
    choice,
    prices: more.terms.prices,
    isAlone: choice.strategy === 'only',
    places: placesOf(choice),
    failures: [],
    waited: 0,
    patience: undefined,
    expected: undefined,
    wait: undefined,
    weighed: undefined,
  }
}

/** From now on another model is asked for. */
export function turnTo(quest: Quest, { model, choice, prices }: Instead) {
  Object.assign(quest, {
    call: { ...quest.call, model },
    choice,
    prices,
    isAlone: choice.strategy === 'only',
    places: placesOf(choice),
    expected: undefined,
  })
}

function placesOf({ routes }: Choice): Place[] {
  return routes.map((route) => ({ route, tries: 0, notBefore: 0 }))
}

/** Milliseconds since the call began, for its trail. */
export function since({ runtime, call }: Quest): number {
  return runtime.now() - call.startedAt
}
