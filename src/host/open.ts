/** What a process with a disk lends the app: shared by Node, Bun and Deno. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { keptCredentials } from '../aws.ts'
import { type Config, ConfigError, type ProviderName, readConfig } from '../config.ts'
import { memoryCache } from '../data/cache.ts'
import { dataIn } from '../data/data.ts'
import type { OpenDatabase } from '../data/database.ts'
import { noLimits } from '../data/limits.ts'
import { closeLost, everyHour, HOUR } from '../jobs.ts'
import { logTo } from '../protocol/log.ts'
import { counters } from '../protocol/metrics.ts'
import type { Log, Runtime, Stopping } from '../runtime.ts'
import { assetsIn } from './assets.ts'
import { loadCredentials, profileRegion } from './credentials.ts'
import { pinnedEgress } from './egress.ts'
import { lockFolder } from './lock.ts'
import { generatedSecretKey } from './secrets.ts'

type Environment = Record<string, string | undefined>

interface Lent {
  env: Environment
  fetch: typeof fetch
  /** The folder of the migrations. */
  migrations: string
  /** The folder of the portal's files, as built. */
  portal: string
  write: (line: string) => void
  isTerminal: boolean
  stopping: Stopping
}

export interface Host {
  runtime: Runtime
  /** Waits for work under way, at most so many milliseconds, then lets go of the database, which has its own time. */
  close(patience: number): Promise<void>
}

const CACHE_ENTRIES = 10_000
const CLOSE = 5_000

/** @throws ConfigError for what whoever starts it can put right. */
export async function openHost(lent: Lent): Promise<Host> {
  const read = readConfig(lent.env)
  const now = () => Date.now()
  const format = read.logFormat ?? (lent.isTerminal ? 'text' : 'json')
  const log = logTo({ level: read.logLevel, format, now, write: lent.write })
  const store = await openStore(read, lent.migrations, log)
  const config = {
    ...read,
    secretKeys: store.secretKeys,
    aws: { ...read.aws, region: read.aws.region ?? (await profileRegion()) },
  }
  const work = new Set<Promise<unknown>>()
  const credentialsOf = (provider: ProviderName) =>
    keptCredentials(() => loadCredentials(provider, lent.env, config, { fetch: lent.fetch, now }), now)
  const runtime: Runtime = {
    config,
    data: dataIn(store.database, log),
    limits: noLimits(),
    cache: memoryCache({ entries: CACHE_ENTRIES, now }),
    credentials: {
      bedrock: credentialsOf('bedrock'),
      anthropic: credentialsOf('anthropic'),
      vertex: credentialsOf('vertex'),
    },
    assets: await assetsIn(lent.portal),
    fetch: lent.fetch,
    egress: pinnedEgress({ loopback: config.egress.loopback }),
    log,
    metrics: counters(),
    now,
    stopping: lent.stopping,
    waitUntil(promise) {
      const tracked = promise.catch((error: unknown) => {
        log('error', 'background work failed', { error: error instanceof Error ? error.name : 'unknown' })
      })
      work.add(tracked)
      void tracked.finally(() => work.delete(tracked))
    },
  }
  const clock = setInterval(() => void everyHour(runtime).catch(() => {}), HOUR).unref()
  // The embedded database has had but one process; on a Postgres that replicas share, the others go on.
  await (config.databaseUrl === undefined ? closeLost(runtime, now()) : everyHour(runtime))
  return {
    runtime,
    async close(patience) {
      await soon(idle(work), patience)
      clearInterval(clock)
      await soon(store.close(), CLOSE)
    },
  }
}

/** What is done may leave more to do. */
async function idle(work: ReadonlySet<Promise<unknown>>) {
  while (work.size > 0) await Promise.all(work)
}

/** Waits for it, but no longer than so many milliseconds. */
async function soon(work: Promise<unknown>, patience: number) {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, patience).unref())])
}

interface Store extends OpenDatabase {
  secretKeys: readonly string[]
}

async function openStore(config: Config, migrations: string, log: Log): Promise<Store> {
  if (config.databaseUrl !== undefined) {
    const { openPostgres } = await import('../data/postgres.ts')
    const opened = await openPostgres(config.databaseUrl, migrations).catch((error: Error) => {
      if (error instanceof ConfigError) throw error
      throw new ConfigError(`DATABASE_URL leads to no usable database: ${error.message}`)
    })
    return { ...opened, secretKeys: config.secretKeys }
  }
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new ConfigError(`DATA_DIR ${config.dataDir} cannot be made: ${error.message}`)
  })
  const lock = await lockFolder(config.dataDir, () => {
    log('error', 'another process took the lock of DATA_DIR: stopping before it is harmed')
    process.exit(1)
  })
  const secretKeys =
    config.secretKeys.length > 0 ? config.secretKeys : [await generatedSecretKey(config.dataDir)]
  const { openPglite } = await import('../data/pglite.ts')
  const { database, close } = await openPglite(join(config.dataDir, 'database'), migrations)
  return {
    database,
    secretKeys,
    async close() {
      await close()
      await lock.release()
    },
  }
}
