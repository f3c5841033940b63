/**
 * The windows of budgets, computed from a moment and never reset by a job: calendar days, weeks, months and quarters in
 * the organisation's time zone, whatever its clocks do, and rolling ones in steps. Windows of a kind tile time.
 */

/** What a window is like. `hours` is how far a rolling one reaches back, else zero. */
export interface WindowKind {
  window: 'day' | 'week' | 'month' | 'quarter' | 'rolling'
  hours: number
}

/** A window, as of a moment in it. */
export interface Window {
  /** Tells the windows of a kind apart. */
  key: string
  /** Its first instant, and the first one after it, in milliseconds since 1970. */
  from: number
  resetsAt: number
  /** Whose spending counts: rows of these days, both included, or rows begun since then. */
  span: { days: { from: string; to: string } } | { since: Date }
}

export interface Calendar {
  readonly timeZone: string
  /** `2026-11-20`, where those clocks are. Dates are never taken back: a day that has begun goes on until the next. */
  dayOf(at: number): string
  windowOf(kind: WindowKind, at: number): Window
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Of clocks in use; local mean times of the nineteenth century went further. */
const WIDEST_OFFSET = 16 * HOUR

/** Where spending of a rolling window is looked at anew: so many times in its course, and at least every hour. */
const STEPS = 12

/**
 * @param fiscalStart the month in which quarters begin, 1 to 12
 * @throws RangeError for a time zone that this runtime does not know
 */
export function calendarIn(timeZone: string, fiscalStart: number): Calendar {
  const offsetAt = offsetsIn(timeZone)
  const dayAt = lately((at) => dayAround(at, offsetAt))
  const kept = new Map<string, (at: number) => Window>()

  function windowOf(kind: WindowKind, at: number): Window {
    if (kind.window === 'rolling') return rolling(kind.hours, at)
    let find = kept.get(kind.window)
    if (!find) {
      find = lately((moment) =>
        between(kind, daysOf(kind.window, dayAt(moment).number, fiscalStart), offsetAt),
      )
      kept.set(kind.window, find)
    }
    return find(at)
  }

  return { timeZone, dayOf: (at) => dayAt(at).key, windowOf }
}

/** Keeps the last answer for as long as it holds: nearly every question is about the present. */
function lately<T extends { from: number; resetsAt: number }>(find: (at: number) => T): (at: number) => T {
  let last: T | undefined
  return (at) => {
    if (last && last.from <= at && at < last.resetsAt) return last
    last = find(at)
    return last
  }
}

/** A day of the calendar by its number since 1970. */
interface Day {
  number: number
  key: string
  from: number
  resetsAt: number
}

function dayAround(at: number, offsetAt: (at: number) => number): Day {
  let number = Math.floor((at + offsetAt(at)) / DAY)
  // Clocks that go back over midnight do not bring the day before back.
  while (startOf(number + 1, offsetAt) <= at) number++
  return {
    number,
    key: nameOf(number),
    from: startOf(number, offsetAt),
    resetsAt: startOf(number + 1, offsetAt),
  }
}

/** The first instant at which clocks show this day or, where there was no such day, a later one. */
function startOf(number: number, offsetAt: (at: number) => number): number {
  const midnight = number * DAY
  let [before, after] = [midnight - WIDEST_OFFSET, midnight + WIDEST_OFFSET]
  const [earlier, later] = [offsetAt(before), offsetAt(after)]
  if (earlier === later) return midnight - earlier
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetAt(middle) === earlier) before = middle
    else after = middle
  }
  return midnight - earlier < after ? midnight - earlier : Math.max(after, midnight - later)
}

function daysOf(
  window: WindowKind['window'],
  day: number,
  fiscalStart: number,
): [first: number, next: number] {
  if (window === 'day') return [day, day + 1]
  if (window === 'week') {
    const monday = day - ((((day + 3) % 7) + 7) % 7) // 1970-01-01 was a Thursday
    return [monday, monday + 7]
  }
  const date = new Date(day * DAY)
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth()
  if (window === 'month') return [firstOf(month), firstOf(month + 1)]
  const begins = month - ((((month - (fiscalStart - 1)) % 3) + 3) % 3)
  return [firstOf(begins), firstOf(begins + 3)]
}

/** The day on which a month, counted from the year 0, begins. */
function firstOf(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12, 1) / DAY
}

function between(
  { window }: WindowKind,
  [first, next]: [number, number],
  offsetAt: (at: number) => number,
): Window {
  const [from, to] = [nameOf(first), nameOf(next - 1)]
  return {
    key: `${window}:${from}`,
    from: startOf(first, offsetAt),
    resetsAt: startOf(next, offsetAt),
    span: { days: { from, to } },
  }
}

/** Reaches back from the beginning of its step, so that in no `hours` hours more than the cap is let through. */
function rolling(hours: number, at: number): Window {
  const step = stepOf(hours)
  const number = Math.floor(at / step)
  const from = number * step
  return {
    key: `rolling${hours}:${number}`,
    from,
    resetsAt: from + step,
    span: { since: new Date(from - hours * HOUR) },
  }
}

function stepOf(hours: number): number {
  return Math.min(HOUR, (hours * HOUR) / STEPS)
}

function nameOf(number: number): string {
  return new Date(number * DAY).toISOString().slice(0, 10)
}

/** What a zone's clocks are ahead of UTC by, in milliseconds, at a moment. */
function offsetsIn(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (at) => {
    const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of format.formatToParts(at)) shown[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000
  }
}
