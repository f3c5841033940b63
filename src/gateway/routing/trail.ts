/**
 * Keeps how a call came to run where it ran, while it happens. Of a call with one upstream that simply answers, nothing is
 * kept; of any other no more than MOST and LONGEST allow, whatever names a client makes up.
 */
import type { Candidate, Trail, TrailStep } from '../../data/tables/trail.ts'
import type { Route } from '../../providers/provider.ts'
import type { Choice, LeftOut } from './choice.ts'
import { reachOf } from './geography.ts'

/** What is told of a call's way while it is looked for. */
export interface Told {
  /** A step, at the time it happens. */
  step(step: TrailStep): void
}

export interface Trailing extends Told {
  /** A request has just left. `isProbe`: calls had failed there, and it is to find out. */
  sent(route: Route, at: number, isProbe: boolean): void
  /** Of several that were asked at once, this one answered. */
  took(route: Route): void
  /** Where it is, or was last. */
  route(): Route | undefined
  steps: readonly TrailStep[]
  /** What the row keeps; undefined where there was nothing to choose and nothing went wrong. */
  whole(removed: readonly string[]): Trail | undefined
}

/** Of each list; of the steps the first and the last are kept, for what lies between is more of the same. */
const MOST = 40
const LAST_STEPS = 10
/** Of any text in it. */
const LONGEST = 200
/** Of what one further try left out. */
const MOST_NAMES = 5

export function beginTrail(choice: Choice): Trailing {
  const { strategy, leftOut, binding, within } = choice
  const steps: TrailStep[] = []
  let last: Route | undefined

  return {
    steps,
    step: (step) => void steps.push(step),
    route: () => last,
    took(route) {
      last = route
    },
    sent(next, at, isProbe) {
      const { id: upstream, region } = next.upstream
      const step = { did: 'sent', at, upstream, modelId: next.modelId, region } as const
      steps.push(isProbe ? { ...step, probe: true } : step)
      last = next
    },
    whole(removed) {
      // That a call names its upstream by its kind leaves out the others each time.
      const isOnly = strategy === 'only' && leftOut.every(({ reason }) => reason === 'not_asked')
      const isPlain = isOnly && choice.despite === undefined && steps.length <= 1
      if (isPlain && removed.length === 0 && within === undefined) return undefined
      const candidates = candidatesOf(choice)
      const most = (list: readonly unknown[]) => Math.max(0, list.length - MOST)
      const more = most(candidates) + most(steps) + most(removed)
      return {
        strategy,
        ...(binding?.upstream === undefined ? {} : { bound: binding.upstream }),
        candidates: candidates.slice(0, MOST),
        steps: mostOf(steps).map(clipped),
        ...(removed.length === 0 ? {} : { removed: removed.slice(0, MOST).map(clip) }),
        ...(within === undefined ? {} : { within: within.map((places) => places.slice(0, MOST)) }),
        ...(last === undefined ? {} : { reach: reachOf(last).slice(0, MOST) }),
        ...(more === 0 ? {} : { more }),
      }
    },
  }
}

function candidatesOf({ routes, leftOut, despite = [] }: Choice): Candidate[] {
  const [only, other] = routes
  if (!other && leftOut.length === 0 && despite.length === 0) return [{ upstream: only.upstream.id }]
  const against = new Map(despite.map((each) => [each.upstream, each]))
  return [
    ...routes.map(({ upstream: { id } }): Candidate => {
      const objection = against.get(id)
      return objection ? { ...candidate(objection), despite: true } : { upstream: id }
    }),
    ...leftOut.map(candidate),
  ]
}

function candidate({ upstream, reason, detail }: LeftOut): Candidate {
  return { upstream, reason, ...(detail === undefined ? {} : { detail: clip(detail) }) }
}

function mostOf(steps: readonly TrailStep[]): readonly TrailStep[] {
  if (steps.length <= MOST) return steps
  return [...steps.slice(0, MOST - LAST_STEPS), ...steps.slice(-LAST_STEPS)]
}

function clip(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** The same step with no text in it that is too long. */
function clipped(step: TrailStep): TrailStep {
  switch (step.did) {
    case 'sent':
      return { ...step, modelId: clip(step.modelId) }
    case 'failed':
      return { ...step, class: clip(step.class) }
    case 'retried':
      return { ...step, without: step.without.slice(0, MOST_NAMES).map(clip) }
    case 'waited':
      return { ...step, why: clip(step.why) }
    case 'stepped_down':
      return { ...step, from: clip(step.from), to: clip(step.to) }
    default:
      return step
  }
}
