/** When a bucket will be full, and which quota to raise. */
import { expect, test } from 'vitest'
import type { Stand } from '../../../src/gateway/routing/headroom.ts'
import type { Minute } from '../../../src/gateway/routing/headroomminutes.ts'
import { accountOf, adviceOn, fullAt } from '../../../src/gateway/routing/quotaadvice.ts'

const NOW = Date.UTC(2026, 10, 20, 14)
const LAST = NOW / 60_000 - 1

/** The newest last. */
function minutes(all: Partial<Minute>[]): Minute[] {
  const nothing = { tokens: 0, peak: 0, calls: 10, throttled: 0, held: 0, heldMs: 0 }
  return all.map((each, index) => ({ number: LAST - all.length + 1 + index, ...nothing, ...each }))
}

function stand(all: Partial<Minute>[], more: Partial<Stand> = {}): Stand {
  return {
    name: 'a',
    holder: {
      account: 'a',
      region: 'us-east-1',
      model: 'claude-opus-5-5',
      reach: 'geography',
      front: 'runtime',
    },
    upstreams: ['upstream_1'],
    quota: undefined,
    capacity: 1_000_000,
    used: 0,
    underWay: 0,
    waiting: 0,
    closedFor: 0,
    minutes: minutes(all),
    ...more,
  }
}

const rising = Array.from({ length: 10 }, (_, index) => ({ peak: 500_000 + index * 10_000 }))

test('peaks that rise by ten thousand a minute fill what is left in so many minutes', () => {
  expect(fullAt(stand(rising), NOW)).toBe(NOW + 40 * 60_000)
})

test('what does not rise, is too far off, or was hardly seen is not foretold', () => {
  expect(fullAt(stand(rising.toReversed()), NOW)).toBeUndefined()
  expect(fullAt(stand(Array(10).fill({ peak: 900_000 })), NOW)).toBeUndefined()
  expect(fullAt(stand(rising, { capacity: 9_000_000 }), NOW)).toBeUndefined()
  expect(fullAt(stand(rising.slice(0, 4)), NOW)).toBeUndefined()
  expect(fullAt(stand(rising, { capacity: undefined }), NOW)).toBeUndefined()
})

test('what is full now is full now', () => {
  expect(fullAt(stand(Array(10).fill({ peak: 1_000_000 })), NOW)).toBe(NOW)
})

test('where nothing is refused and hardly anything waits, nothing is to be raised', () => {
  expect(adviceOn(stand(rising))).toBeUndefined()
  expect(adviceOn(stand([{ held: 5, heldMs: 100 }, { held: 1 }]))).toBeUndefined()
})

test('the quota that throttles is named, with what to ask for and the evidence', () => {
  const quota = {
    code: 'L-ABC',
    name: 'Cross-Region InvokeModel tokens per minute for Claude Opus 5.5',
    model: 'claude-opus-5-5',
    reach: 'geography' as const,
    tokensPerMinute: 2_000_000,
    adjustable: true,
  }
  const throttled = [
    { throttled: 3, peak: 2_000_000, calls: 97 },
    { held: 4, heldMs: 9_000, calls: 103 },
  ]
  expect(adviceOn(stand(throttled, { quota }))).toEqual({
    name: quota.name,
    code: 'L-ABC',
    adjustable: true,
    atLeast: 3_000_000,
    evidence:
      'In the last hour 200 calls; 3 were throttled (1.5 %). At the highest 2,000,000 tokens were taken at once, by input ' +
      'and max_tokens, of 2,000,000 a minute. 4 calls waited for room, 9 s together, in 1 of 60 minutes.',
  })
})

test('a quota that nobody could ask for is named by the pattern of its name', () => {
  const held = stand(Array(3).fill({ held: 1, heldMs: 100, peak: 800_000 }))
  expect(adviceOn(held)).toMatchObject({
    name: 'Cross-Region InvokeModel tokens per minute for claude-opus-5-5',
    code: undefined,
    atLeast: 1_500_000,
  })
})

test('of somebody else’s quotas nothing is advised', () => {
  const { holder } = stand([])
  const direct = { ...holder, front: 'direct' as const }
  expect(adviceOn(stand([{ throttled: 5 }], { holder: direct }))).toBeUndefined()
})

test('an hour without a call has throttled nothing', () => {
  expect(accountOf([])).toMatchObject({ calls: 0, throttledShare: 0, peakTaken: 0, peakUsed: 0 })
})
