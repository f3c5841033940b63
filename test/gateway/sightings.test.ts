/** What calls find out of upstreams: that one is down, does badly, or is stood in for by another. */
import { describe, expect, test } from 'vitest'
import { type ErrorType, GatewayError } from '../../src/errors.ts'
import { newSightings, sawAnswer, sawDetour, sawFailure } from '../../src/gateway/sightings.ts'
import type { Route } from '../../src/providers/provider.ts'
import { type TestRuntime, testRuntime } from '../runtime.ts'

const routeTo = (id: string) => ({ modelId: 'm', upstream: { id, region: 'us-east-1' } }) as Route

function failures(runtime: TestRuntime, many: number, type: ErrorType = 'api_error', id = 'default') {
  for (let count = 0; count < many; count++) sawFailure(runtime, routeTo(id), new GatewayError(type, 'no'))
}

async function toldBy(runtime: TestRuntime) {
  await runtime.settled()
  return runtime.told.map(({ kind, subject }) => `${kind} ${subject}`)
}

test('five failures in a row are an upstream that is down, told once an hour', async () => {
  const runtime = testRuntime()
  failures(runtime, 4)
  expect(await toldBy(runtime)).toEqual([])
  failures(runtime, 10)
  expect(await toldBy(runtime)).toEqual(['upstream_down upstream_down:default:2026-11-20T12'])
  expect(runtime.told[0]).toMatchObject({
    severity: 'critical',
    sentence: "The upstream 'default' is down: 5 calls in a row failed there.",
    detail: { upstream: 'default', name: 'default', error: 'api_error', region: 'us-east-1' },
  })
  runtime.clock.now += 3_600_000
  failures(runtime, 5)
  expect(await toldBy(runtime)).toHaveLength(2)
})

test('an answer, or a throttled call, between the failures shows that it is there', async () => {
  const runtime = testRuntime()
  for (let round = 0; round < 2; round++) {
    failures(runtime, 4)
    sawAnswer(runtime, routeTo('default'))
  }
  expect(await toldBy(runtime)).toEqual([])
  const throttled = testRuntime()
  failures(throttled, 4)
  failures(throttled, 1, 'rate_limit_error')
  failures(throttled, 4)
  expect(await toldBy(throttled)).toEqual([])
})

test('ten of twenty that fail or are throttled are one that does badly', async () => {
  const runtime = testRuntime()
  for (let round = 0; round < 9; round++) {
    failures(runtime, 1, 'rate_limit_error')
    sawAnswer(runtime, routeTo('default'))
  }
  expect(await toldBy(runtime)).toEqual([])
  failures(runtime, 1, 'rate_limit_error')
  expect(await toldBy(runtime)).toEqual(['upstream_degraded upstream_degraded:default:2026-11-20T12'])
})

test('what is long ago, or was another upstream, does not count', async () => {
  const runtime = testRuntime()
  failures(runtime, 4)
  failures(runtime, 4, 'api_error', 'second')
  runtime.clock.now += 600_000
  failures(runtime, 4)
  expect(await toldBy(runtime)).toEqual([])
})

test('serving from another upstream is told for the one that failed, not for another model id there', async () => {
  const runtime = testRuntime()
  sawDetour(runtime, routeTo('default'), routeTo('default'))
  expect(await toldBy(runtime)).toEqual([])
  // One call that was throttled there, or failed, has found its place elsewhere: nobody has to know.
  sawDetour(runtime, routeTo('default'), routeTo('second'))
  for (let count = 0; count < 2; count++)
    runtime.steering.breakers.failed('default', 'm', runtime.now(), 'throttled')
  sawDetour(runtime, routeTo('default'), routeTo('second'))
  expect(await toldBy(runtime)).toEqual([])
  for (let count = 0; count < 3; count++)
    runtime.steering.breakers.failed('default', 'm', runtime.now(), 'credentials')
  sawDetour(runtime, routeTo('default'), routeTo('second'))
  sawDetour(runtime, routeTo('default'), routeTo('second'))
  expect(await toldBy(runtime)).toEqual([
    'serving_from_secondary serving_from_secondary:default:2026-11-20T12',
  ])
  expect(runtime.told[0]?.sentence).toBe(
    "Calls are served by the upstream 'second', since 'default' does not accept them.",
  )
})

test('what could not be told is told at the next occasion', async () => {
  const runtime = testRuntime()
  const { raise } = runtime.data.notices
  let isAway = true
  const notices = {
    ...runtime.data.notices,
    raise: (notice: Parameters<typeof raise>[0]) =>
      isAway ? Promise.reject(new Error('away')) : raise(notice),
  }
  const replica = { ...runtime, data: { ...runtime.data, notices } }
  failures(replica, 5)
  await expect(runtime.settled()).rejects.toThrow('away')
  isAway = false
  failures(replica, 1)
  expect(await toldBy(runtime)).toHaveLength(1)
})

describe('what is remembered', () => {
  test('is bounded, however much is seen', () => {
    const sightings = newSightings()
    for (let count = 0; count < 10_000; count++) sightings.saw('default', 'answered', count)
    for (let count = 0; count < 4; count++) expect(sightings.saw('default', 'failed', 10_000)).toBeUndefined()
    expect(sightings.saw('default', 'failed', 10_000)).toBe('upstream_down')
  })
})
