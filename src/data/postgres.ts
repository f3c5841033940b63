/** A Postgres server, through postgres.js. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import type { OpenDatabase } from './database.ts'
import { refuseNewer, type Standing, standingOf } from './migrations.ts'

/** Any number that nothing else in this database locks on: "outcrop" on a telephone's keys. */
const MIGRATION_LOCK = 6_882_767

/** Postgres has notices for whoever sits before it. */
const QUIET = { onnotice: () => {} }

/** Seconds between attempts to connect: whoever asks makes pauses of its own. */
const PAUSE = 0.1

export interface Pool extends OpenDatabase {
  /** Drops every connection, with what is asked on them, and starts over. */
  renew(): void
}

/** Connections for everything, and those that reports have to themselves. */
const MOST = 10
const MOST_FOR_REPORTS = 2

/**
 * Opens a pool, and one for reports. Nothing is asked yet: a server that is away is for whoever asks first to find out.
 */
export function openPostgres(url: string): Required<Omit<Pool, 'loose'>> {
  const main = openPool(url, MOST)
  const reports = openPool(url, MOST_FOR_REPORTS)
  return {
    database: main.database,
    reports: reports.database,
    renew() {
      main.renew()
      reports.renew()
    },
    async close() {
      await Promise.all([main.close(), reports.close()])
    },
  }
}

function openPool(url: string, most: number): Pool {
  const open = () => {
    const client = postgres(url, {
      ...QUIET,
      max: most,
      idle_timeout: 60,
      connect_timeout: 10,
      backoff: () => PAUSE,
    })
    return { client, database: drizzle(client) }
  }
  let current = open()
  return {
    database: new Proxy(current.database, { get: (_, name) => member(current.database, name) }),
    renew() {
      void current.client.end({ timeout: 0 })
      current = open()
    },
    close: () => current.client.end({ timeout: 5 }),
  }
}

function member(database: PostgresJsDatabase, name: string | symbol): unknown {
  const value: unknown = Reflect.get(database, name)
  return typeof value === 'function' ? value.bind(database) : value
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
