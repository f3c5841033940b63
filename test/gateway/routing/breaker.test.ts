/** Breakers, by a clock of their own: what opens them, for how long, and who may find out how it is. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Breakers, newBreakers } from '../../../src/gateway/routing/breaker.ts'
import { CONSEQUENCES, type FailureClass } from '../../../src/gateway/routing/failures.ts'

const CLASSES = Object.keys(CONSEQUENCES) as FailureClass[]
const OF_A_MODEL = CLASSES.filter((each) => CONSEQUENCES[each].of === 'model')
const OF_ALL = CLASSES.filter((each) => CONSEQUENCES[each].of === 'upstream')

/** No chance in it: a pause is as long as it says. */
const even = () => newBreakers(() => 0.5)

/** Fails until it opens; when it does. */
function failing(breakers: Breakers, failure: FailureClass, now = 1_000, upstream = 'a', model = 'm') {
  for (let count = 0; count < CONSEQUENCES[failure].after; count++)
    breakers.failed(upstream, model, now, failure)
  return breakers.look(upstream, model, now)
}

describe('a breaker', () => {
  test.each(CLASSES)('that is %s opens after as many as its class says, and no sooner', (failure) => {
    const breakers = even()
    for (let count = 1; count < CONSEQUENCES[failure].after; count++) {
      breakers.failed('a', 'm', 1_000, failure)
      expect(breakers.look('a', 'm', 1_000)).toEqual({ open: false })
    }
    breakers.failed('a', 'm', 1_000, failure)
    const until = 1_000 + CONSEQUENCES[failure].pause
    expect(breakers.look('a', 'm', 1_000)).toEqual({ open: true, until, class: failure, said: false })
    expect(breakers.look('a', 'm', until)).toEqual({ open: false })
  })

  test.each(OF_A_MODEL)('that is %s is of one model', (failure) => {
    const breakers = even()
    failing(breakers, failure)
    expect(breakers.look('a', 'other', 1_000).open).toBe(false)
    expect(breakers.look('b', 'm', 1_000).open).toBe(false)
  })

  test.each(OF_ALL)('that is %s is of all models of its upstream, and of no other', (failure) => {
    const breakers = even()
    failing(breakers, failure)
    expect(breakers.look('a', 'other', 1_000).open).toBe(true)
    expect(breakers.look('b', 'm', 1_000).open).toBe(false)
  })

  test('is open for as long as the upstream says, at the first time that it says so', () => {
    const breakers = even()
    breakers.failed('a', 'm', 0, 'throttled', 7_000)
    expect(breakers.look('a', 'm', 6_999)).toEqual({
      open: true,
      until: 7_000,
      class: 'throttled',
      said: true,
    })
    expect(breakers.look('a', 'm', 7_000).open).toBe(false)
  })

  test('opens where most of many calls fail, though never two in a row', () => {
    const breakers = even()
    for (let count = 0; count < 12; count++) {
      breakers.failed('a', 'm', count, 'failed')
      if (breakers.look('a', 'm', count).open) return expect(count).toBeGreaterThanOrEqual(4)
      breakers.succeeded('a', 'm', count)
    }
    expect.unreachable('it never opened')
  })

  test('stays closed where one in ten fails', () => {
    const breakers = even()
    for (let count = 0; count < 1_000; count++) {
      if (count % 10 === 0) breakers.failed('a', 'm', count * 100, 'failed')
      else breakers.succeeded('a', 'm', count * 100)
      expect(breakers.look('a', 'm', count * 100).open).toBe(false)
    }
  })

  test('that is half-open lets one call through at a time, and the next one when that has ended', () => {
    const breakers = even()
    failing(breakers, 'failed', 0)
    const later = CONSEQUENCES.failed.pause
    expect(breakers.probe('a', 'm', later - 1)).toBe(false)
    expect(breakers.probe('a', 'm', later)).toBe(true)
    expect(breakers.probe('a', 'm', later)).toBe(false)
    expect(breakers.look('a', 'm', later).open).toBe(true)
    breakers.left('a', 'm')
    expect(breakers.probe('a', 'm', later)).toBe(true)
    breakers.succeeded('a', 'm', later)
    expect(breakers.probe('a', 'm', later)).toBe(true)
    expect(breakers.probe('a', 'm', later)).toBe(true)
  })

  test('that is open may be asked early by one call at a time, which makes it no longer where it fails', () => {
    const breakers = even()
    const first = failing(breakers, 'failed', 0)
    expect([1, 2].map(() => breakers.probeEarly('a', 'm', 10))).toEqual([true, false])
    breakers.failed('a', 'm', 20, 'failed')
    expect(breakers.look('a', 'm', 20)).toEqual(first)
    expect(breakers.probeEarly('a', 'm', 30)).toBe(true)
    breakers.succeeded('a', 'm', 40)
    expect(breakers.look('a', 'm', 40).open).toBe(false)
  })

  test('is not held shut by a call that found out nothing and never said so', () => {
    const breakers = even()
    failing(breakers, 'failed', 0)
    expect(breakers.probe('a', 'm', 20_000)).toBe(true)
    expect(breakers.probe('a', 'm', 79_999)).toBe(false)
    expect(breakers.probe('a', 'm', 80_000)).toBe(true)
  })

  test('whose probe fails is open for twice as long, up to the most; good for long, it begins anew', () => {
    const breakers = even()
    const { pause, longest } = CONSEQUENCES.failed
    let now = 0
    failing(breakers, 'failed', now)
    for (let times = 1; times < 12; times++) {
      now += Math.min(longest, pause * 2 ** (times - 1))
      expect(breakers.probe('a', 'm', now)).toBe(true)
      breakers.failed('a', 'm', now, 'failed')
      const until = now + Math.min(longest, pause * 2 ** times)
      expect(breakers.look('a', 'm', now)).toMatchObject({ open: true, until })
    }
    now += longest
    breakers.succeeded('a', 'm', now)
    now += 600_001
    breakers.succeeded('a', 'm', now)
    expect(breakers.standings(now)).toEqual([])
    expect(failing(breakers, 'failed', now)).toMatchObject({ until: now + pause })
  })

  test('calls that were on their way when it opened make it no longer', () => {
    const breakers = even()
    const first = failing(breakers, 'failed', 0)
    for (let count = 0; count < 50; count++) breakers.failed('a', 'm', 1_000, 'failed')
    expect(breakers.look('a', 'm', 1_000)).toEqual(first)
  })

  test('tells of itself', () => {
    const breakers = even()
    failing(breakers, 'credentials', 0)
    failing(breakers, 'overloaded', 0)
    expect(breakers.standings(11_000)).toEqual([
      { upstream: 'a', model: undefined, state: 'closed', class: 'credentials', until: 0, failures: 0 },
      { upstream: 'a', model: 'm', state: 'half_open', class: 'overloaded', until: 10_000, failures: 3 },
    ])
  })
})

type Act =
  | { do: 'fail'; failure: FailureClass; wait: number | undefined }
  | { do: 'succeed' }
  | { do: 'leave' }
  | { do: 'pass'; ms: number }

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant('fail' as const),
    failure: fc.constantFrom(...CLASSES),
    wait: fc.option(fc.integer({ min: 0, max: 5_000_000 }), { nil: undefined }),
  }),
  fc.constant({ do: 'succeed' as const }),
  fc.constant({ do: 'leave' as const }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 200_000 }) }),
)

const HOUR = 3_600_000

describe('whatever happens', () => {
  /** Does what is said at a place, and looks at it after each. */
  function live(
    acts: readonly Act[],
    chance: number,
    look: (breakers: Breakers, now: number) => void = () => {},
  ) {
    const breakers = newBreakers(() => chance)
    let now = 1_000
    for (const each of acts) {
      if (each.do === 'pass') now += each.ms
      else if (each.do === 'succeed') breakers.succeeded('a', 'm', now)
      else if (each.do === 'leave') breakers.left('a', 'm')
      else breakers.failed('a', 'm', now, each.failure, each.wait)
      look(breakers, now)
    }
    return { breakers, now }
  }
  const runs = fc.tuple(fc.array(act, { maxLength: 60 }), fc.double({ min: 0, max: 1, noNaN: true }))

  test('no breaker is open for more than an hour and what chance adds, nor until what is past', () => {
    fc.assert(
      fc.property(runs, ([acts, chance]) => {
        live(acts, chance, (breakers, now) => {
          const seen = breakers.look('a', 'm', now)
          if (!seen.open) return
          expect(seen.until).toBeGreaterThan(now)
          expect(seen.until - now).toBeLessThanOrEqual(HOUR * 1.2)
        })
      }),
    )
  })

  test('at any time one call at the most finds out how it is, and after its time there is always one that may', () => {
    fc.assert(
      fc.property(runs, ([acts, chance]) => {
        const { breakers, now } = live(acts, chance)
        const late = now + 2 * HOUR
        const isHalfOpen = breakers.standings(late).some(({ state }) => state === 'half_open')
        const allowed = [1, 2, 3].map(() => breakers.probe('a', 'm', late))
        expect(allowed).toEqual([true, !isHalfOpen, !isHalfOpen])
        breakers.succeeded('a', 'm', late)
        expect([1, 2].map(() => breakers.probe('a', 'm', late))).toEqual([true, true])
      }),
    )
  })

  test('other upstreams and what was never called are as they were', () => {
    fc.assert(
      fc.property(runs, ([acts, chance]) => {
        live(acts, chance, (breakers, now) => {
          expect(breakers.look('b', 'm', now)).toEqual({ open: false })
          expect(breakers.standings(now).every(({ upstream }) => upstream === 'a')).toBe(true)
        })
      }),
    )
  })

  test('it keeps a bounded number of places', () => {
    const breakers = even()
    for (let count = 0; count < 5_000; count++) breakers.failed('a', `arn:${count}`, 0, 'failed')
    expect(breakers.standings(0).length).toBeLessThanOrEqual(2_001)
  })
})
