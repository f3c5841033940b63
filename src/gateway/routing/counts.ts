/** What /metrics says of how calls find their upstreams: counted from each call's way when it is over. */
import type { LedgerRow } from '../../data/rows.ts'
import type { TrailStep } from '../../data/tables/trail.ts'
import type { Metrics } from '../../protocol/metrics.ts'
import type { Route } from '../../providers/provider.ts'
import type { Choice } from './choice.ts'

interface Outcome {
  status: LedgerRow['status']
  /** By which it was sent last; undefined where it never was. */
  route: Route | undefined
}

/** What came of the last attempt, where its step does not say. */
const OUTCOMES: Readonly<Record<LedgerRow['status'], string>> = {
  pending: 'unknown',
  succeeded: 'answered',
  refused: 'refused',
  failed_midstream: 'broke_off',
  cancelled: 'cancelled',
  lost: 'unknown',
}

/** Counts the steps of a call, what came of it, and whether its session has moved. */
export function countWay(
  metrics: Metrics,
  { binding }: Choice,
  steps: readonly TrailStep[],
  { status, route }: Outcome,
) {
  let from: string | undefined
  for (const step of steps) {
    if (step.did === 'sent') {
      if (from !== undefined && from !== step.upstream)
        metrics.count('outcrop_routing_failovers_total', { from, to: step.upstream })
      from = step.upstream
    } else countStep(metrics, step)
  }
  const taken = route?.upstream.id
  if (taken === undefined) return
  const hasFailed = status === 'refused' && steps.at(-1)?.did === 'failed'
  if (!hasFailed)
    metrics.count('outcrop_routing_attempts_total', { upstream: taken, outcome: OUTCOMES[status] })
  const bound = binding?.upstream
  if (bound !== undefined && bound !== taken && status === 'succeeded')
    metrics.count('outcrop_routing_sessions_moved_total', { from: bound, to: taken })
}

function countStep(metrics: Metrics, step: Exclude<TrailStep, { did: 'sent' }>) {
  switch (step.did) {
    case 'failed':
      return metrics.count('outcrop_routing_attempts_total', { upstream: step.upstream, outcome: step.class })
    case 'retried':
    case 'continued':
      return metrics.count('outcrop_routing_attempts_total', { upstream: step.upstream, outcome: step.did })
    case 'waited':
      metrics.count('outcrop_routing_waits_total', { upstream: step.upstream, why: step.why })
      return metrics.count(
        'outcrop_routing_waited_milliseconds_total',
        { upstream: step.upstream, why: step.why },
        whole(step.ms),
      )
    case 'weighed':
      if (step.chose === 'move' && step.to !== null)
        metrics.count(
          'outcrop_routing_rewritten_nano_dollars_total',
          { from: step.from, to: step.to },
          whole(step.rewriteNano),
        )
  }
}

function whole(figure: number): number {
  return Math.max(0, Math.round(figure))
}
