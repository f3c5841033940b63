/** What a process with a disk lends the app: shared by Node, Bun and Deno. */

import type { Config } from '../config.ts'
import { memoryCache } from '../data/cache.ts'
import { type DataOptions, dataIn } from '../data/data.ts'
import { capacityOf } from '../gateway/admit.ts'
import { gaugesOf } from '../gateway/routing/gauges.ts'
import { newSteering } from '../gateway/routing/steering.ts'
import { newSightings } from '../gateway/sightings.ts'
import { closeLost, everyHour, everyMinute, HOUR, MINUTE } from '../jobs.ts'
import { rest } from '../protocol/deadline.ts'
import { counters, type Metrics } from '../protocol/metrics.ts'
import type { Send } from '../protocol/send.ts'
import type { Log, Runtime, Stopping } from '../runtime.ts'
import { assetsIn } from './assets.ts'
import { repeatedly } from './clock.ts'
import type { Following, Own } from './cluster/follow.ts'
import { openCredentials, profileRegion } from './credentials.ts'
import { pinnedEgress } from './egress.ts'
import { nodeHashes } from './hashes.ts'
import { openLimits } from './limits.ts'
import { openSpools, type Spools } from './spools.ts'
import { openStore, type Store } from './store.ts'

type Environment = Record<string, string | undefined>

interface Lent {
  env: Environment
  config: Config
  log: Log
  fetch: Send
  /** The folder of the migrations. */
  migrations: string
  /** The folder of the portal's files, as built. */
  portal: string
  stopping: Stopping
  /** In one of several processes of a gateway: what it shares with the others. */
  follow?: ((own: Own) => Following) | undefined
}

export interface Host {
  runtime: Runtime
  /** Resolves when it can serve. Rejects with a ConfigError where it never will. */
  ready: Promise<void>
  /** Waits for work under way, at most so many milliseconds, then lets go of the database, which has its own time. */
  close(patience: number): Promise<void>
}

const CACHE_ENTRIES = 10_000
const CLOSE = 5_000

/** @throws ConfigError for what whoever starts it can put right. */
export async function openHost(lent: Lent): Promise<Host> {
  const { config: read, log } = lent
  const now = () => Date.now()
  const store = await openStore(read, lent.migrations, log)
  const config = {
    ...read,
    secretKeys: store.secretKeys,
    aws: { ...read.aws, region: read.aws.region ?? (await profileRegion()) },
  }
  const spools = await openSpools(config.dataDir, log)
  let isReady = false
  const steering = newSteering()
  const metrics = counters(() => gaugesOf(steering, now()))
  const cache = memoryCache({ entries: CACHE_ENTRIES, now })
  const following = lent.follow?.({ metrics, cache })
  const shared = following ?? { metrics, cache }
  const { close: closeStores, ...stores } = await openLimits(config, { log, metrics, now }, following)
  const work = new Set<Promise<unknown>>()
  const own = openCredentials(lent.env, config, { fetch: lent.fetch, now })
  const runtime: Runtime = {
    config,
    data: dataIn(store.database, log, dataOptions(store, spools, shared.metrics)),
    ...stores,
    capacity: capacityOf(config.mostInFlight),
    cache: shared.cache,
    credentials: own.credentials,
    keyring: own.keyring,
    assets: await assetsIn(lent.portal),
    fetch: lent.fetch,
    hashes: nodeHashes,
    // A quote is looked for by `memchr`: 1.3 microseconds in 100 KB, where a plain array takes 34.
    view: (bytes) => Buffer.from(bytes),
    room: (length) => Buffer.allocUnsafeSlow(length), // not zeroed: 8 microseconds of 100 KB; never of the pool
    egress: pinnedEgress({ loopback: config.egress.loopback }),
    sightings: newSightings(),
    steering,
    rest,
    log,
    metrics: shared.metrics,
    now,
    isReady: async () => isReady,
    stopping: lent.stopping,
    waitUntil(promise) {
      const tracked = promise.catch((error: unknown) => {
        log('error', 'background work failed', { error: error instanceof Error ? error.name : 'unknown' })
      })
      work.add(tracked)
      void tracked.finally(() => work.delete(tracked))
    },
  }
  const ready = store.ready.then(async () => {
    await takeStock(runtime, spools)
    isReady = true
  })
  ready.catch(() => {}) // told to who waits for it
  const stopClocks = startClocks(runtime, spools)
  return {
    runtime,
    ready,
    async close(patience) {
      stopClocks()
      await soon(idle(work), patience)
      closeStores()
      await soon(store.close(), CLOSE)
      await spools?.close()
    },
  }
}

function startClocks(runtime: Runtime, spools: Spools | undefined): () => void {
  const { isReady } = runtime
  const clocks = [
    repeatedly({ every: MINUTE, spread: MINUTE / 10, isReady }, () => byTheMinute(runtime)),
    repeatedly({ every: HOUR, spread: 0, isReady }, () => byTheHour(runtime, spools)),
  ]
  return () => {
    for (const stop of clocks) stop()
  }
}

function dataOptions({ silent, reports }: Store, spools: Spools | undefined, metrics: Metrics): DataOptions {
  return {
    metrics,
    ...(silent ? { silent } : {}),
    ...(reports ? { reports } : {}),
    ...(spools ? { spool: spools.mine } : {}),
  }
}

/** What this process, or another that was killed, has left of the last time. */
async function takeStock(runtime: Runtime, spools: Spools | undefined) {
  const adopted = spools?.adopt(runtime.data.ledger) ?? Promise.resolve()
  if (runtime.config.databaseUrl !== undefined) {
    runtime.waitUntil(adopted)
    await everyHour(runtime)
  } else {
    // The embedded database has had but one process: whatever else is pending is lost.
    await adopted
    await closeLost(runtime, runtime.now())
  }
}

/** What it delivers is waited for at the end of the process, as far as there is time. */
function byTheMinute(runtime: Runtime): Promise<void> {
  const done = everyMinute(runtime)
  runtime.waitUntil(done)
  return done
}

async function byTheHour(runtime: Runtime, spools: Spools | undefined) {
  await everyHour(runtime)
  await spools?.adopt(runtime.data.ledger)
}

/** What is done may leave more to do. */
async function idle(work: ReadonlySet<Promise<unknown>>) {
  while (work.size > 0) await Promise.all(work)
}

/** Waits for it, but no longer than so many milliseconds. */
async function soon(work: Promise<unknown>, patience: number) {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, patience).unref())])
}
