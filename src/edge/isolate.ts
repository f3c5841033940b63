/** What outlives a request on Workers: plain data only, since what a request has opened ends with it. */
import type { CredentialSource } from '../aws.ts'
import { type Config, ConfigError, type ProviderName, readConfig } from '../config.ts'
import { memoryCache } from '../data/cache.ts'
import type { EgressLent } from '../egress.ts'
import { logTo } from '../protocol/log.ts'
import { counters, type Metrics } from '../protocol/metrics.ts'
import type { Cache, Log } from '../runtime.ts'
import { type Bindings, variablesIn } from './bindings.ts'
import { writeLine } from './console.ts'
import { credentialsFrom } from './credentials.ts'
import { type SchemaCheck, schemaCheck } from './schema.ts'
import { unpinnedEgress } from './unpinned.ts'

export interface Isolate {
  config: Config
  log: Log
  metrics: Metrics
  /** Keys and all else that a request would ask the database for: trusted no longer than on any other runtime. */
  cache: Cache
  credentials: Readonly<Record<ProviderName, CredentialSource>>
  fetch: typeof fetch
  egress: EgressLent
  schema: SchemaCheck
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
  return {
    config,
    log,
    metrics: counters(),
    cache: memoryCache({ entries: CACHE_ENTRIES, now, shareLoads: false }),
    credentials: credentialsFrom(variables, config, { fetch: send, now }),
    fetch: send,
    egress: unpinnedEgress(send, config.egress.loopback),
    schema: schemaCheck({ log, now }),
    now,
  }
}

/** For when there is no configuration to say otherwise. */
export const plainLog: Log = logTo({ level: 'info', format: 'json', now, write: writeLine })

function demands({ secretKeys, databaseUrl }: Config, { HYPERDRIVE }: Bindings): string[] {
  return [
    secretKeys.length === 0 &&
      'SECRET_KEY must be set, as a secret of the Worker: there is no disk to keep a generated one on (try: openssl rand -base64 32)',
    databaseUrl === undefined &&
      HYPERDRIVE === undefined &&
      'HYPERDRIVE must be bound to a Hyperdrive, or DATABASE_URL be set to a Postgres at Neon',
  ].filter((sentence) => sentence !== false)
}

/** Never the platform's own function by itself: it insists on being called as a method of its global. */
const send: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'manual' })
