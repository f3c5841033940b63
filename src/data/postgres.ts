/** A Postgres server, through postgres.js. */
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import type { OpenDatabase } from './database.ts'

/** Any number that nothing else in this database locks on: "outcrop" on a telephone's keys. */
const MIGRATION_LOCK = 6_882_767

/** Opens a pool and brings the schema up; replicas that start together take turns at it. */
export async function openPostgres(url: string, migrations: string): Promise<OpenDatabase> {
  await migrateOnce(url, migrations)
  const client = postgres(url, { max: 10, idle_timeout: 60, connect_timeout: 10, onnotice: () => {} })
  return { database: drizzle(client), close: () => client.end({ timeout: 5 }) }
}

async function migrateOnce(url: string, migrations: string) {
  const client = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} })
  try {
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`
    await migrate(drizzle(client), { migrationsFolder: migrations })
  } finally {
    await client.end() // the lock goes with the connection
  }
}
