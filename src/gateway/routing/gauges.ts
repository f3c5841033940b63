/** How upstreams stand at this moment, as the process that is asked has seen it: for /metrics. */
import type { Gauge } from '../../protocol/metrics.ts'
import type { Steering } from './steering.ts'

export function gaugesOf({ breakers, headroom, underWay }: Steering, now: number): Gauge[] {
  return [
    ...[...underWay].map(([upstream, value]) => gauge('calls_under_way', { upstream }, value)),
    ...breakers
      .standings(now)
      .map(({ upstream, model, state }) =>
        gauge('breaker_open', { upstream, model: model ?? '' }, state === 'closed' ? 0 : 1),
      ),
    ...headroom.stands(now).flatMap(({ holder, capacity, used, waiting }) => {
      const { account, region, model, reach, front } = holder
      const labels = { account, region, model, reach, front }
      return [
        gauge('headroom_used_tokens', labels, used),
        gauge('headroom_waiting_calls', labels, waiting),
        ...(capacity === undefined ? [] : [gauge('headroom_tokens', labels, capacity)]),
      ]
    }),
  ]
}

function gauge(name: string, labels: Gauge['labels'], value: number): Gauge {
  return { name: `outcrop_routing_${name}`, labels, value: Math.max(0, Math.round(value)) }
}
