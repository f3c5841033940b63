/** The database of a process with a disk: embedded in its data folder, or a Postgres that may be away when it starts. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, ConfigError } from '../config.ts'
import { isOutage, type OpenDatabase } from '../data/database.ts'
import type { Log } from '../runtime.ts'
import { openEmbedded } from './embedded.ts'
import { lockFolder } from './lock.ts'
import { generatedSecretKey } from './secrets.ts'

export interface Store extends OpenDatabase {
  secretKeys: readonly string[]
  /**
   * Resolves when it has answered, with this version's schema. Rejects with a ConfigError for what waiting does not
   * cure; an outage is waited for.
   */
  ready: Promise<void>
  /** Told that it has been silent for too long; the embedded one never is. */
  silent?: () => void
}

/** @throws ConfigError for what whoever starts it can put right. */
export function openStore(config: Config, migrations: string, log: Log): Promise<Store> {
  return config.databaseUrl === undefined
    ? openInFolder(config, migrations, log)
    : openServer(config.databaseUrl, config, migrations, log)
}

async function openInFolder(config: Config, migrations: string, log: Log): Promise<Store> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new ConfigError(`DATA_DIR ${config.dataDir} cannot be made: ${error.message}`)
  })
  const lock = await lockFolder(config.dataDir, () => {
    log('error', 'another process took the lock of DATA_DIR: stopping before it is harmed')
    process.exit(1)
  })
  const secretKeys =
    config.secretKeys.length > 0 ? config.secretKeys : [await generatedSecretKey(config.dataDir)]
  const folders = { folder: join(config.dataDir, 'database'), migrations }
  const { database, close } = await openEmbedded(folders, (error) => {
    log('error', 'the embedded database died: stopping', { error: error.name })
    process.exit(1)
  })
  return {
    database,
    secretKeys,
    ready: Promise.resolve(),
    async close() {
      await close()
      await lock.release()
    },
  }
}

async function openServer(url: string, config: Config, migrations: string, log: Log): Promise<Store> {
  const { migratePostgres, openPostgres } = await import('../data/postgres.ts')
  const ready = untilItAnswers(() => migratePostgres(url, migrations).catch(unlessCurable), log)
  ready.catch(() => {}) // told to who asks, which may be later
  const { renew, ...pool } = openPostgres(url)
  const silent = () => {
    log('warn', 'the database is silent: its connections are dropped')
    renew()
  }
  return {
    ...pool,
    silent: atMostEvery(RENEWAL, silent),
    secretKeys: config.secretKeys,
    ready,
  }
}

/** Many questions run out of time together; their connections are gone by then. Milliseconds. */
const RENEWAL = 10_000

function atMostEvery(pause: number, act: () => void): () => void {
  let earliest = 0
  return () => {
    if (Date.now() < earliest) return
    earliest = Date.now() + pause
    act()
  }
}

/** @throws what waiting may cure as it is, all else as a ConfigError. */
function unlessCurable(error: unknown): never {
  if (isOutage(error) || error instanceof ConfigError) throw error
  const reason = error instanceof Error ? error.message : String(error)
  throw new ConfigError(`DATABASE_URL leads to no usable database: ${reason}`)
}

const FIRST_PAUSE = 250
const LONGEST_PAUSE = 2_000

async function untilItAnswers(ask: () => Promise<unknown>, log: Log): Promise<void> {
  let isAway = false
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    try {
      await ask()
      if (isAway) log('info', 'the database answers')
      return
    } catch (error) {
      if (!isOutage(error)) throw error
      if (!isAway)
        log('warn', 'DATABASE_URL: the database does not answer. Requests are refused until it does')
      isAway = true
      await sleep(pause)
    }
  }
}
