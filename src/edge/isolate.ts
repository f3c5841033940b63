/** What outlives a request on Workers: plain data only, since what a request has opened ends with it. */

import type { CredentialSource } from '../aws.ts'
import { type Config, ConfigError, type ProviderName, readConfig } from '../config.ts'
import { memoryCache } from '../data/cache.ts'
import type { EgressLent } from '../egress.ts'
import { gaugesOf } from '../gateway/routing/gauges.ts'
import { type Keyring, newKeyring } from '../gateway/routing/keyring.ts'
import { newSteering, type Steering } from '../gateway/routing/steering.ts'
import { newSightings, type Sightings } from '../gateway/sightings.ts'
import { rest } from '../protocol/deadline.ts'
import { type Hashes, webHashes } from '../protocol/hashes.ts'
import { logTo } from '../protocol/log.ts'
import { counters, type Metrics } from '../protocol/metrics.ts'
import { type Send, sendBy } from '../protocol/send.ts'
import type { Cache, Log, Runtime } from '../runtime.ts'
import { type Bindings, variablesIn } from './bindings.ts'
import { writeLine } from './console.ts'
import { credentialsFrom, meansOf } from './credentials.ts'
import { storesFor } from './limits.ts'
import { type SchemaCheck, schemaCheck } from './schema.ts'
import { unpinnedEgress } from './unpinned.ts'

export interface Isolate {
  config: Config
  log: Log
  metrics: Metrics
  /** Keys and all else that a request would ask the database for: trusted no longer than on any other runtime. */
  cache: Cache
  credentials: Readonly<Record<ProviderName | 'aws', CredentialSource>>
  keyring: Keyring
  fetch: Send
  hashes: Hashes
  egress: EgressLent
  schema: SchemaCheck
  /** Handed a way to keep work alive, what a request limits by, and what keeps its session in place. */
  stores: ReturnType<typeof storesFor>
  sightings: Sightings
  steering: Steering
  rest: Runtime['rest']
  now(): number
}

/** An isolate has 128 MB for everything. */
const CACHE_ENTRIES = 5_000

const now = () => Date.now()

/** @throws ConfigError naming each variable or binding that is wrong or missing. */
export function openIsolate(bindings: Bindings): Isolate {
  const variables = variablesIn(bindings)
  const config = readConfig(variables)
  const missing = demands(config, bindings)
  if (missing.length > 0) throw new ConfigError(missing.join('\n'))
  const log = logTo({ level: config.logLevel, format: config.logFormat ?? 'json', now, write: writeLine })
  const steering = newSteering()
  const metrics = counters(() => gaugesOf(steering, now()))
  const credentials = credentialsFrom(variables, config, { fetch: sendBy(plainFetch), now })
  return {
    config,
    log,
    metrics,
    stores: storesFor(config.sharedLimits, { log, metrics, now }),
    cache: memoryCache({ entries: CACHE_ENTRIES, now, shareLoads: false }),
    credentials,
    keyring: newKeyring(meansOf(variables, credentials), now),
    fetch: sendBy(plainFetch),
    hashes: webHashes,
    egress: unpinnedEgress(plainFetch, config.egress.loopback),
    schema: schemaCheck({ log, now }),
    sightings: newSightings(),
    steering,
    rest,
    now,
  }
}

/** For when there is no configuration to say otherwise. */
export const plainLog: Log = logTo({ level: 'info', format: 'json', now, write: writeLine })

function demands({ secretKeys, databaseUrl, sharedLimits }: Config, { HYPERDRIVE }: Bindings): string[] {
  return [
    secretKeys.length === 0 &&
      'SECRET_KEY must be set, as a secret of the Worker: there is no disk to keep a generated one on (try: openssl rand -base64 32)',
    databaseUrl === undefined &&
      HYPERDRIVE === undefined &&
      'HYPERDRIVE must be bound to a Hyperdrive, or DATABASE_URL be set to a Postgres at Neon',
    sharedLimits?.kind === 'redis' &&
      'REDIS_URL cannot be used on Workers: set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN',
    databaseUrl !== undefined &&
      !isWhole(databaseUrl) &&
      'DATABASE_URL must read postgres://user:password@host/database, with what is special in it percent-encoded',
  ].filter((sentence) => sentence !== false)
}

/** Neon's driver objects to anything less, in words that repeat it. */
function isWhole(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { username, hostname, pathname } = new URL(url)
  return username !== '' && hostname !== '' && pathname.length > 1
}

/** Never the platform's own function by itself: it insists on being called as a method of its global. */
const plainFetch: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'manual' })
