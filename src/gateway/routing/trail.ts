/** Keeps how a call came to run where it ran, while it happens. */
import type { Trail, TrailStep } from '../../data/tables/trail.ts'
import type { Choice } from './choice.ts'

/** What is told of a call's way while it is looked for. */
export interface Told {
  /** A step, at the time it happens. */
  step(step: TrailStep): void
}

export interface Trailing extends Told {
  /** What the row keeps; undefined where there was nothing to choose and nothing went wrong. */
  whole(removed: readonly string[]): Trail | undefined
}

export function beginTrail({ routes, strategy, leftOut, binding }: Choice): Trailing {
  const steps: TrailStep[] = []
  return {
    step: (step) => void steps.push(step),
    whole(removed) {
      const isPlain = strategy === 'only' && leftOut.length === 0 && steps.length <= 1
      if (isPlain && removed.length === 0) return undefined
      return {
        strategy,
        ...(binding?.upstream === undefined ? {} : { bound: binding.upstream }),
        candidates: [
          ...routes.map(({ upstream }) => ({ upstream: upstream.id })),
          ...leftOut.map(({ upstream, reason, detail }) => ({
            upstream,
            reason,
            ...(detail === undefined ? {} : { detail }),
          })),
        ],
        steps,
        ...(removed.length === 0 ? {} : { removed }),
      }
    },
  }
}
