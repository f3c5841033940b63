/** What a row keeps of a call's way: nothing where there is nothing to tell, and never more than a bound. */
import { describe, expect, test } from 'vitest'
import type { Choice } from '../../../src/gateway/routing/choice.ts'
import { onlyChoice } from '../../../src/gateway/routing/choice.ts'
import { beginTrail } from '../../../src/gateway/routing/trail.ts'
import { place } from './routes.ts'

const [one, two] = [place({ id: 'one' }), place({ id: 'two' })]
const both: Choice = { routes: [one, two], strategy: 'sticky', leftOut: [], binding: undefined }
const failed = { did: 'failed', at: 9, upstream: 'one', error: 'api_error', class: 'failed' } as const

describe('nothing is kept', () => {
  test('of a call that goes to the one upstream there is', () => {
    const trail = beginTrail(onlyChoice(one))
    trail.sent(one, 3, false)
    expect(trail.whole([])).toBeUndefined()
  })

  test('of upstreams that a call which names its own was never meant for', () => {
    const leftOut = [{ upstream: 'anthropic', reason: 'not_asked' }] as const
    const trail = beginTrail({ ...onlyChoice(one), leftOut })
    trail.sent(one, 3, false)
    expect(trail.whole([])).toBeUndefined()
  })
})

describe('with one upstream, it is told', () => {
  test.each<[string, (trail: ReturnType<typeof beginTrail>) => readonly string[]]>([
    ['what it was not sent', () => ['context-1m-2025-08-07']],
    [
      'that it failed',
      (trail) => {
        trail.step(failed)
        return []
      },
    ],
  ])('%s', (_, happen) => {
    const trail = beginTrail(onlyChoice(one))
    trail.sent(one, 3, false)
    expect(trail.whole(happen(trail))).toMatchObject({ strategy: 'only', candidates: [{ upstream: 'one' }] })
  })

  test('which geographies were allowed, and every place where it may have run', () => {
    const trail = beginTrail({ ...onlyChoice(one), within: [['us']] })
    trail.sent(one, 3, false)
    expect(trail.whole([])).toMatchObject({ within: [['us']], reach: ['us', 'us-east-1'] })
  })
})

test('candidates come in their order, with what spoke against them', () => {
  const choice: Choice = {
    ...both,
    binding: { name: 'session', upstream: 'two' },
    despite: [{ upstream: 'two', reason: 'breaker_open', detail: 'for 3 s' }],
    leftOut: [{ upstream: 'three', reason: 'disabled', detail: undefined }],
  }
  expect(beginTrail(choice).whole([])).toEqual({
    strategy: 'sticky',
    bound: 'two',
    candidates: [
      { upstream: 'one' },
      { upstream: 'two', reason: 'breaker_open', detail: 'for 3 s', despite: true },
      { upstream: 'three', reason: 'disabled' },
    ],
    steps: [],
  })
})

describe('where it is', () => {
  test('nowhere, before it is sent', () => {
    expect(beginTrail(both).route()).toBeUndefined()
  })

  test('of two that were asked at once, the one that answered', () => {
    const trail = beginTrail(both)
    trail.sent(one, 0, false)
    trail.sent(two, 5, false)
    expect(trail.route()).toBe(two)
    trail.took(one)
    expect(trail.route()).toBe(one)
  })

  test('where all have failed, the last one', () => {
    const trail = beginTrail(both)
    trail.sent(one, 0, false)
    trail.step(failed)
    trail.sent(two, 5, true)
    trail.step({ ...failed, upstream: 'two' })
    expect(trail.route()).toBe(two)
    expect(trail.whole([])?.steps).toMatchObject([{}, {}, { did: 'sent', probe: true }, {}])
  })
})

test('however much happens, and however names are made up, it is bounded', () => {
  const long = '\u{1f4a5}'.repeat(5_000)
  const trail = beginTrail({
    ...both,
    leftOut: Array.from({ length: 500 }, (_, index) => ({
      upstream: `upstream_${index}`,
      reason: 'no_model' as const,
      detail: long,
    })),
  })
  for (let count = 0; count < 500; count++) {
    trail.sent({ ...one, modelId: long }, count, false)
    trail.step({ did: 'retried', at: count, upstream: 'one', without: Array(500).fill(long) })
    trail.step({ ...failed, at: count, class: long })
  }
  trail.step({ ...failed, at: 99_999 })
  const whole = trail.whole(Array(500).fill(long))
  expect(whole?.steps).toHaveLength(40)
  expect(whole?.steps.at(-1)).toMatchObject({ at: 99_999 })
  expect(whole).toMatchObject({ more: 502 - 40 + 1_501 - 40 + 500 - 40 })
  expect(JSON.stringify(whole).length).toBeLessThan(40_000)
})
