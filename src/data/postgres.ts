/** A Postgres server, through postgres.js. */
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import type { OpenDatabase } from './database.ts'
import { refuseNewer, type Standing, standingOf } from './migrations.ts'

/** Any number that nothing else in this database locks on: "outcrop" on a telephone's keys. */
const MIGRATION_LOCK = 6_882_767

/** Postgres has notices for whoever sits before it. */
const QUIET = { onnotice: () => {} }

/** Opens a pool and brings the schema up; replicas that start together take turns at it. */
export async function openPostgres(url: string, migrations: string): Promise<OpenDatabase> {
  await migratePostgres(url, migrations)
  const client = postgres(url, { ...QUIET, max: 10, idle_timeout: 60, connect_timeout: 10 })
  return { database: drizzle(client), close: () => client.end({ timeout: 5 }) }
}

/**
 * Brings the schema up, one at a time however many try, and says how it stood before and stands now.
 * @throws ConfigError where it is newer than this version.
 */
export async function migratePostgres(
  url: string,
  migrations: string,
): Promise<{ before: Standing; after: Standing }> {
  const client = postgres(url, { ...QUIET, max: 1, connect_timeout: 10 })
  try {
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`
    const database = drizzle(client)
    const before = await refuseNewer(database)
    await migrate(database, { migrationsFolder: migrations })
    return { before, after: await standingOf(database) }
  } finally {
    await client.end() // the lock goes with the connection
  }
}
