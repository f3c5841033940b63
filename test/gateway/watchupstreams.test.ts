/** What is told each minute of how upstreams stand: once, by their names, and that one is well again. */
import { expect, test } from 'vitest'
import type { FailureClass } from '../../src/gateway/routing/failures.ts'
import { newMinutes } from '../../src/gateway/routing/headroomminutes.ts'
import { watchUpstreams } from '../../src/gateway/watchupstreams.ts'
import { type TestRuntime, testRuntime } from '../runtime.ts'
import { addUpstream } from '../upstreamrows.ts'

const EU = 'upstream_1'

async function stage(): Promise<TestRuntime> {
  const runtime = testRuntime()
  await addUpstream(runtime, { id: EU, name: 'EU one' })
  return runtime
}

function failing(runtime: TestRuntime, failure: FailureClass, times = 3) {
  for (let count = 0; count < times; count++)
    runtime.steering.breakers.failed(EU, 'm', runtime.now(), failure)
}

const told = ({ told }: TestRuntime) =>
  told.map(({ kind, severity, sentence }) => `${kind} (${severity}): ${sentence}`)

test('of upstreams that are well, nothing is told', async () => {
  const runtime = await stage()
  await watchUpstreams(runtime)
  expect(runtime.told).toEqual([])
})

test.each<[FailureClass, string]>([
  [
    'credentials',
    "upstream_down (critical): Calls are kept from the upstream 'EU one', but for one now and then to see how it is: it does not accept the gateway's credentials.",
  ],
  [
    'unreachable',
    "upstream_down (critical): Calls are kept from the upstream 'EU one', but for one now and then to see how it is: it cannot be reached.",
  ],
  [
    'access',
    "upstream_degraded (warning): Calls of 'm' are kept from the upstream 'EU one', but for one now and then to see how it is: its account may not use the model.",
  ],
  [
    'failed',
    "upstream_degraded (warning): Calls of 'm' are kept from the upstream 'EU one', but for one now and then to see how it is: they fail there.",
  ],
])('one that is spared, and that it is well again: %s', async (failure, sentence) => {
  const runtime = await stage()
  failing(runtime, failure)
  await watchUpstreams(runtime)
  await watchUpstreams(runtime)
  expect(told(runtime)).toEqual([sentence])
  // Its time is over, and nobody has called: it is not well for that.
  runtime.clock.now += 300_000
  await watchUpstreams(runtime)
  expect(told(runtime)).toHaveLength(1)
  runtime.steering.breakers.succeeded(EU, 'm', runtime.now())
  await watchUpstreams(runtime)
  await watchUpstreams(runtime)
  expect(told(runtime)).toEqual([sentence, "upstream_back (info): The upstream 'EU one' answers again."])
})

test('one that its last survey found to be ill is told, with what to do', async () => {
  const runtime = await stage()
  const says = 'The role may not be assumed: its trust policy has to name the gateway.'
  const checks = [{ action: 'sts:AssumeRole', verdict: 'refused', says }] as const
  runtime.surveys.push({
    upstreamId: EU,
    findings: { checks },
    at: new Date(runtime.now()),
    claimedUntil: null,
  })
  await watchUpstreams(runtime)
  await watchUpstreams(runtime)
  expect(told(runtime)).toEqual([
    `upstream_unhealthy (critical): The upstream 'EU one' gets no calls: ${says}`,
  ])
})

test('that a quota was used up for a minute is no failure', async () => {
  const runtime = await stage()
  failing(runtime, 'throttled', 20)
  await watchUpstreams(runtime)
  expect(runtime.told).toEqual([])
})

test('credentials that cannot be renewed are told until they are', async () => {
  const runtime = await stage()
  runtime.sightings.fades(EU, runtime.now() + 600_000, runtime.now())
  await watchUpstreams(runtime)
  expect(told(runtime)).toEqual([
    "credentials_failing (critical): The credentials of the upstream 'EU one' cannot be renewed: those it has go on working until 2026-11-20 12:10 UTC.",
  ])
  runtime.clock.now += 3_600_000
  await watchUpstreams(runtime)
  expect(runtime.told).toHaveLength(1)
})

test('a quota that is too small is told with how much to ask for, and the evidence', async () => {
  const runtime = await stage()
  const minutes = newMinutes()
  for (let minute = 4; minute >= 0; minute--) {
    const at = runtime.now() - minute * 60_000
    minutes.called(at)
    minutes.held(2_000, at)
  }
  const holder = {
    account: '1',
    region: 'eu-west-1',
    model: 'claude-opus-5-5',
    reach: 'geography',
    front: 'runtime',
  } as const
  const stands = () => [
    {
      name: 'x',
      holder,
      upstreams: [EU],
      quota: {
        code: 'L-9',
        name: 'Cross-Region tokens',
        model: 'claude-opus-5-5',
        reach: 'geography' as const,
        tokensPerMinute: 200_000,
        adjustable: true,
      },
      capacity: 200_000,
      used: 0,
      underWay: 0,
      waiting: 0,
      closedFor: 0,
      minutes: minutes.all(runtime.now()),
    },
  ]
  Object.assign(runtime.steering.headroom, { stands })
  await watchUpstreams(runtime)
  await watchUpstreams(runtime)
  expect(told(runtime)).toEqual([
    expect.stringMatching(
      /^quota_saturated \(warning\): The quota 'Cross-Region tokens' of 1 in eu-west-1 is too small: ask AWS for 300,000 tokens a minute\. In the last hour 5 calls;/,
    ),
  ])
})
