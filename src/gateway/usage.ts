/** Reports of usage: what may be asked, and what a report that takes too long is answered with. */
import { REPORT_PATIENCE, type UsageQuery, type UsageReport } from '../data/usage.ts'
import { GatewayError } from '../errors.ts'
import { hasCode } from '../protocol/codes.ts'
import type { Runtime } from '../runtime.ts'

const DAY = 86_400_000
/** Clocks are nowhere further ahead of UTC. */
const EARLIEST_ZONE = 14 * 3_600_000
/** Days of a report: three years of them, or a month of hours. */
const MOST_DAYS = 1_100
const MOST_DAYS_OF_HOURS = 31
/** What is reported on where nothing is said. */
const USUAL_DAYS = 30

/** SQLSTATE of a statement that was given up. */
const GIVEN_UP = '57014'

/** The days a report is about: as asked for, else the last thirty, up to the last one that has begun anywhere. */
export function daysOf(asked: { from?: string | undefined; to?: string | undefined }, now: number) {
  const to = asked.to ?? dayOf(now + EARLIEST_ZONE)
  return { from: asked.from ?? dayOf(Date.parse(to) - (USUAL_DAYS - 1) * DAY), to }
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/**
 * @throws GatewayError invalid_request_error for a window that is too long or ends before it begins; timeout_error
 *   where it takes the database too long.
 */
export async function usageReport({ data }: Runtime, query: UsageQuery): Promise<UsageReport> {
  const { from, to, by } = query
  const days = (Date.parse(to) - Date.parse(from)) / DAY + 1
  const most = by.includes('hour') ? MOST_DAYS_OF_HOURS : MOST_DAYS
  if (days < 1) throw new GatewayError('invalid_request_error', `from: ${from} is after to, which is ${to}`)
  if (days > most) {
    const what = by.includes('hour') ? 'A report by the hour' : 'A report'
    throw new GatewayError(
      'invalid_request_error',
      `from: ${what} is about ${most} days at the most, not ${days}`,
    )
  }
  return data.usage.report(query).catch(explained)
}

function explained(cause: unknown): never {
  if (!hasCode(cause, GIVEN_UP)) throw cause
  throw new GatewayError(
    'timeout_error',
    `The report was given up after ${REPORT_PATIENCE / 1_000} seconds. Ask for fewer days, or group by less.`,
    { cause },
  )
}
