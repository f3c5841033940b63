/** Windows over the clocks of the world: they tile time, hold their moment, and end where they say. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendarIn, type WindowKind } from '../../src/gateway/windows.ts'

/** Clocks that change at one, two and at midnight, by an hour, by half of one, over the date line; and that do not. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns', // until 2011 back over midnight, at 00:01
  'America/Sao_Paulo', // until 2018 there was no midnight once a year
  'America/Havana',
  'Asia/Beirut',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia', // without 2011-12-30
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'Africa/Casablanca',
]

const zone = fc.constantFrom(...ZONES)
const fiscalStart = fc.integer({ min: 1, max: 12 })
const moment = fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2035, 0, 1) })
const kind: fc.Arbitrary<WindowKind> = fc.oneof(
  fc.constantFrom('day', 'week', 'month', 'quarter').map((window): WindowKind => ({ window, hours: 0 })),
  fc.integer({ min: 1, max: 8_784 }).map((hours): WindowKind => ({ window: 'rolling', hours })),
)

const DAY = 86_400_000
const of = (window: WindowKind['window'], hours = 0): WindowKind => ({ window, hours })
const at = (time: string) => Date.parse(time)

describe('windows of any kind, anywhere', () => {
  test('hold their moment, and end at the first instant of the next: no gap, no overlap', () => {
    fc.assert(
      fc.property(zone, fiscalStart, kind, moment, (timeZone, start, each, time) => {
        const calendar = calendarIn(timeZone, start)
        const window = calendar.windowOf(each, time)
        expect(window.from).toBeLessThanOrEqual(time)
        expect(window.resetsAt).toBeGreaterThan(time)
        expect(calendar.windowOf(each, window.from)).toEqual(window)
        expect(calendar.windowOf(each, window.resetsAt - 1)).toEqual(window)
        const next = calendar.windowOf(each, window.resetsAt)
        expect(next.from).toBe(window.resetsAt)
        expect(next.key).not.toBe(window.key)
      }),
      { numRuns: 400 },
    )
  })

  test('say nothing else when asked in another order: what is remembered changes no answer', () => {
    fc.assert(
      fc.property(
        zone,
        fiscalStart,
        fc.array(fc.tuple(kind, moment), { maxLength: 8 }),
        (timeZone, start, asked) => {
          const calendar = calendarIn(timeZone, start)
          for (const [each, time] of asked)
            expect(calendar.windowOf(each, time)).toEqual(calendarIn(timeZone, start).windowOf(each, time))
        },
      ),
    )
  })

  test('count the rows of their days, and no others: a row is of the window that its day is in', () => {
    const calendar = fc.constantFrom('day', 'week', 'month', 'quarter').map((window) => of(window))
    fc.assert(
      fc.property(zone, fiscalStart, calendar, moment, moment, (timeZone, start, each, one, other) => {
        const days = calendarIn(timeZone, start)
        const { span, from, resetsAt } = days.windowOf(each, one)
        if (!('days' in span)) return expect.fail('not of days')
        const day = days.dayOf(other)
        expect(span.days.from <= day && day <= span.days.to).toBe(from <= other && other < resetsAt)
      }),
      { numRuns: 400 },
    )
  })

  test('are of the length that their name says, but for what clocks do', () => {
    const lengths = { day: [1, 1], week: [7, 7], month: [28, 31], quarter: [89, 92] } as const
    const days = fc.constantFrom('day', 'week', 'month', 'quarter')
    fc.assert(
      fc.property(zone, fiscalStart, days, moment, (timeZone, start, window, time) => {
        if (timeZone === 'Pacific/Apia' && Math.abs(time - at('2011-12-30T00:00Z')) < 100 * DAY) return
        const { from, resetsAt } = calendarIn(timeZone, start).windowOf(of(window), time)
        const [least, most] = lengths[window]
        const hour = 3_600_000
        expect(resetsAt - from).toBeGreaterThanOrEqual(least * DAY - hour)
        expect(resetsAt - from).toBeLessThanOrEqual(most * DAY + hour)
      }),
      { numRuns: 400 },
    )
  })
})

describe('a day', () => {
  test('is what clocks show; where they go back over midnight, it goes on', () => {
    fc.assert(
      fc.property(zone, moment, (timeZone, time) => {
        const shown = new Intl.DateTimeFormat('sv-SE', { timeZone }).format(time)
        const day = calendarIn(timeZone, 1).dayOf(time)
        if (day !== shown) {
          expect(timeZone).toBe('America/St_Johns')
          expect(Date.parse(day) - Date.parse(shown)).toBe(DAY)
          expect(new Intl.DateTimeFormat('sv-SE', { timeZone }).format(time + 3_600_000)).toBe(day)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('of Saint Johns begins once, though its clocks showed midnight twice', () => {
    const { dayOf, windowOf } = calendarIn('America/St_Johns', 1)
    // At 00:01 on 7 November 2010 it became 23:01 on the 6th.
    const midnight = at('2010-11-07T02:30Z')
    expect(dayOf(midnight - 1)).toBe('2010-11-06')
    expect(dayOf(midnight)).toBe('2010-11-07')
    expect(dayOf(midnight + 30 * 60_000)).toBe('2010-11-07')
    expect(windowOf(of('day'), midnight).resetsAt).toBe(at('2010-11-08T03:30Z'))
  })

  test('that never was in Apia is no window: the 29th ends where the 31st begins', () => {
    const { dayOf, windowOf } = calendarIn('Pacific/Apia', 1)
    const jump = at('2011-12-30T10:00Z')
    expect(dayOf(jump - 1)).toBe('2011-12-29')
    expect(dayOf(jump)).toBe('2011-12-31')
    expect(windowOf(of('day'), jump - 1).resetsAt).toBe(jump)
    expect(windowOf(of('week'), jump)).toMatchObject({
      key: 'week:2011-12-26',
      resetsAt: at('2012-01-01T10:00Z'),
    })
  })

  test('has 23 or 25 hours where clocks change', () => {
    const { windowOf } = calendarIn('Europe/Berlin', 1)
    const length = (day: string) => {
      const { from, resetsAt } = windowOf(of('day'), at(`${day}T12:00Z`))
      return (resetsAt - from) / 3_600_000
    }
    expect(['2026-03-28', '2026-03-29', '2026-10-25'].map(length)).toEqual([24, 23, 25])
  })

  test('without a midnight begins at one', () => {
    const { windowOf } = calendarIn('America/Sao_Paulo', 1)
    expect(windowOf(of('day'), at('2018-11-04T12:00Z')).from).toBe(at('2018-11-04T03:00Z'))
    expect(windowOf(of('day'), at('2018-11-04T03:00Z') - 1).key).toBe('day:2018-11-03')
  })
})

describe('weeks, months and quarters', () => {
  test('weeks begin on Mondays, over the end of a year', () => {
    const { windowOf } = calendarIn('UTC', 1)
    expect(windowOf(of('week'), at('2027-01-01T00:00Z'))).toMatchObject({
      key: 'week:2026-12-28',
      span: { days: { from: '2026-12-28', to: '2027-01-03' } },
    })
  })

  test('a month has its last day, in leap years too', () => {
    const { windowOf } = calendarIn('Asia/Kolkata', 1)
    expect(windowOf(of('month'), at('2028-02-10T00:00Z'))).toMatchObject({
      key: 'month:2028-02-01',
      from: at('2028-01-31T18:30Z'),
      resetsAt: at('2028-02-29T18:30Z'),
      span: { days: { from: '2028-02-01', to: '2028-02-29' } },
    })
  })

  test.each([
    [1, '2026-10-01', '2026-12-31'],
    [2, '2026-11-01', '2027-01-31'],
    [3, '2026-09-01', '2026-11-30'],
    [4, '2026-10-01', '2026-12-31'],
    [12, '2026-09-01', '2026-11-30'],
  ])(
    'a fiscal year that begins in month %i: the quarter of November goes from %s to %s',
    (month, from, to) => {
      const { span, key } = calendarIn('UTC', month).windowOf(of('quarter'), at('2026-11-20T12:00Z'))
      expect(span).toEqual({ days: { from, to } })
      expect(key).toBe(`quarter:${from}`)
    },
  )
})

describe('a rolling window', () => {
  test('reaches back all its hours from every moment in it, in steps of an hour at the most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8_784 }), moment, (hours, time) => {
        const { span, from, resetsAt } = calendarIn('UTC', 1).windowOf(of('rolling', hours), time)
        if (!('since' in span)) return expect.fail('not rolling')
        expect(time - span.since.getTime()).toBeGreaterThanOrEqual(hours * 3_600_000)
        expect(resetsAt - from).toBeLessThanOrEqual(Math.min(3_600_000, hours * 300_000))
      }),
    )
  })
})

test('a zone that nobody knows is an error, not UTC', () => {
  expect(() => calendarIn('Mars/Olympus', 1)).toThrow(RangeError)
})
