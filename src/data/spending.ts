/** What has been spent so far, row by row. */
import { sql } from 'drizzle-orm'
import type { Database } from './database.ts'

export interface Spent {
  teamId?: string | undefined
  userId?: string | undefined
  keyId?: string | undefined
  model?: string | undefined
  days?: { from: string; to: string } | undefined
  since?: Date | undefined
}

export interface Spending {
  /** Nano-dollars. */
  spent(of: Spent): Promise<number>
}

export function spendingIn(database: Database): Spending {
  return {
    async spent(of) {
      const rows = (await database.execute(
        sql`select coalesce(sum(cost_nano), 0)::text as nano from requests where true
        ${of.teamId === undefined ? sql`` : sql`and team_id = ${of.teamId}`}
        ${of.userId === undefined ? sql`` : sql`and user_id = ${of.userId}`}
        ${of.keyId === undefined ? sql`` : sql`and key_id = ${of.keyId}`}
        ${of.since === undefined ? sql`` : sql`and started_at >= ${of.since.toISOString()}::timestamptz`}
        ${of.days === undefined ? sql`` : sql`and day between ${of.days.from}::date and ${of.days.to}::date`}`,
      )) as unknown as { rows?: { nano: string }[] } & { nano: string }[]
      return Number((rows.rows ?? rows)[0]?.nano ?? 0)
    },
  }
}
