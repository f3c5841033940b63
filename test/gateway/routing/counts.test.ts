/** What /metrics says of routing: of each call's way, once it is over, and of how upstreams stand. */
import { expect, test } from 'vitest'
import type { LedgerRow } from '../../../src/data/rows.ts'
import type { TrailStep } from '../../../src/data/tables/trail.ts'
import { type Choice, onlyChoice } from '../../../src/gateway/routing/choice.ts'
import { countWay } from '../../../src/gateway/routing/counts.ts'
import { gaugesOf } from '../../../src/gateway/routing/gauges.ts'
import { newSteering } from '../../../src/gateway/routing/steering.ts'
import { counters, sumOf } from '../../../src/protocol/metrics.ts'
import { place } from './routes.ts'

const [one, two] = [place({ id: 'one' }), place({ id: 'two' })]
const sent = (upstream: string): TrailStep => ({ did: 'sent', at: 0, upstream, modelId: 'm', region: 'r' })
const failed = (upstream: string, said: string): TrailStep => ({
  did: 'failed',
  at: 0,
  upstream,
  error: 'api_error',
  class: said,
})

function counted(choice: Choice, steps: TrailStep[], status: LedgerRow['status'], route = one): string[] {
  const metrics = counters()
  countWay(metrics, choice, steps, { status, route })
  const lines = metrics.text().split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace('outcrop_routing_', ''))
}

test('a call that the one upstream answered is one attempt', () => {
  expect(counted(onlyChoice(one), [sent('one')], 'succeeded')).toEqual([
    'attempts_total{upstream="one",outcome="answered"} 1',
  ])
})

test('what went elsewhere counts where it failed, where it went, what that cost, and that its session has moved', () => {
  const choice: Choice = {
    routes: [one, two],
    strategy: 'sticky',
    leftOut: [],
    binding: { name: 'session', upstream: 'one' },
  }
  const steps: TrailStep[] = [
    { did: 'waited', at: 0, ms: 1_200.4, upstream: 'one', why: 'headroom' },
    sent('one'),
    failed('one', 'throttled'),
    { did: 'weighed', at: 0, from: 'one', to: 'two', rewriteNano: 281_250_000, waitMs: 1, chose: 'move' },
    sent('two'),
    { did: 'retried', at: 0, upstream: 'two', without: ['x'] },
    sent('two'),
  ]
  expect(counted(choice, steps, 'succeeded', two).toSorted()).toEqual([
    'attempts_total{upstream="one",outcome="throttled"} 1',
    'attempts_total{upstream="two",outcome="answered"} 1',
    'attempts_total{upstream="two",outcome="retried"} 1',
    'failovers_total{from="one",to="two"} 1',
    'rewritten_nano_dollars_total{from="one",to="two"} 281250000',
    'sessions_moved_total{from="one",to="two"} 1',
    'waited_milliseconds_total{upstream="one",why="headroom"} 1200',
    'waits_total{upstream="one",why="headroom"} 1',
  ])
})

test.each<[LedgerRow['status'], TrailStep[], string[]]>([
  ['refused', [sent('one'), failed('one', 'overloaded')], ['overloaded']],
  ['refused', [sent('one')], ['refused']],
  ['failed_midstream', [sent('one')], ['broke_off']],
  ['cancelled', [sent('one')], ['cancelled']],
])('a call that is %s: every attempt counts once', (status, steps, outcomes) => {
  expect(counted(onlyChoice(one), steps, status)).toEqual(
    outcomes.map((outcome) => `attempts_total{upstream="one",outcome="${outcome}"} 1`),
  )
})

test('how breakers and buckets stand, of several processes the highest', () => {
  const steering = newSteering()
  const now = Date.UTC(2026, 10, 20)
  steering.underWay.set('one', 3)
  steering.breakers.failed('one', 'm', now, 'credentials')
  const text = counters(() => gaugesOf(steering, now)).text()
  expect(text).toBe(
    '# TYPE outcrop_routing_calls_under_way gauge\noutcrop_routing_calls_under_way{upstream="one"} 3\n' +
      '# TYPE outcrop_routing_breaker_open gauge\noutcrop_routing_breaker_open{upstream="one",model=""} 1\n',
  )
  const other = counters(() => gaugesOf(newSteering(), now))
  other.count('outcrop_shed_total', {}, 4)
  const together = sumOf([text, other.text(), other.text()])
  expect(together).toContain('outcrop_shed_total 8\n')
  expect(together).toContain('outcrop_routing_calls_under_way{upstream="one"} 3\n')
})
