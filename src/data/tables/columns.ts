/** The kinds of column that the tables share. */
import { bigint, integer, timestamp } from 'drizzle-orm/pg-core'

/** A moment, to the millisecond. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const tokens = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)

/** Money: integer nano-dollars, exact to nine million dollars. */
export const nano = (name: string) => bigint(name, { mode: 'number' })

/** What somebody, or something, may send. Null is no limit; where several apply, all of them hold. */
export const allowance = () => ({
  requestsPerMinute: integer('requests_per_minute'),
  tokensPerMinute: bigint('tokens_per_minute', { mode: 'number' }),
  /** Calls under way at once. */
  concurrent: integer(),
})
