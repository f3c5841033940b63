/** What a runtime lends the app: types only. Nothing else differs between Node, Bun, Deno and Workers. */

import type { CredentialSource } from './aws.ts'
import type { Config, ProviderName } from './config.ts'
import type { Bindings } from './data/bindings.ts'
import type { Data } from './data/data.ts'
import type { Limits } from './data/limits.ts'
import type { EgressLent } from './egress.ts'
import type { Capacity } from './gateway/admit.ts'
import type { Keyring } from './gateway/routing/keyring.ts'
import type { Steering } from './gateway/routing/steering.ts'
import type { Sightings } from './gateway/sightings.ts'
import type { Speech } from './gateway/speech.ts'
import type { Bytes, Room } from './protocol/bytes.ts'
import type { Halting } from './protocol/halt.ts'
import type { Hashes } from './protocol/hashes.ts'
import type { Metrics } from './protocol/metrics.ts'
import type { Send } from './protocol/send.ts'

export interface Runtime {
  config: Config
  /** Keys, the ledger and settings, over Postgres. */
  data: Data
  /** Rate limits and reservations. */
  limits: Limits
  /** Which upstream a session is kept to. */
  bindings: Bindings
  /** Bounded plain data that outlives a request. */
  cache: Cache
  /** Of each provider that configuration names; `aws` are keys that sign for AWS's other services. */
  credentials: Readonly<Record<ProviderName | 'aws', CredentialSource>>
  /** Credentials of the upstreams that admins have set up. */
  keyring: Keyring
  /** The way to the upstreams that configuration names. */
  fetch: Send
  hashes: Hashes
  /** The same bytes, as this runtime searches them fastest; without it, a plain array is. */
  view?: ((bytes: ArrayBuffer) => Bytes) | undefined
  /** Memory for a body that is written whole; without it, memory is zeroed first. */
  room?: Room | undefined
  /** The guarded way to a URL that an admin or a request has set. */
  egress: EgressLent
  /** What was seen of the upstreams lately. */
  sightings: Sightings
  /** What this process knows of its upstreams. */
  steering: Steering
  /** Resolves after so many milliseconds, or at once when the signal says that nobody waits any more. */
  rest(milliseconds: number, signal?: Halting): Promise<void>
  log: Log
  metrics: Metrics
  /** Milliseconds since 1970. */
  now(): number
  /** Whether it can serve. Once it could, an outage does not make it unready: what is known is still served. */
  isReady(): Promise<boolean>
  /** Keep me alive for this. */
  waitUntil(work: Promise<unknown>): void
  /** How much this process takes on; without it, the platform sees to that. */
  capacity?: Capacity
  /** Where processes come and go unseen, they are not told. */
  stopping?: Stopping
  /** Where the request at hand comes from, as far as that can be believed. */
  clientAddress?: string | undefined
  /** The body of the request at hand, of that length as was declared, where this host reads it better than its Request. */
  whole?: ((length: number) => Promise<Bytes>) | undefined
  /** That its client has gone, where this host says so at less cost than its Request. */
  gone?: Halting | undefined
  /** What is said to its client, as this host takes it from a Response; without it, as the standard's stream. */
  stream?: ((speech: Speech) => ReadableStream<Bytes>) | undefined
  /** The static file that a request asks for, where there is one. */
  assets?: ((request: Request) => Promise<Response | undefined>) | undefined
}

/** The end of the process that the app runs in. */
export interface Stopping {
  /** It has been told to end: nothing new is taken on. */
  hasBegun(): boolean
  /** Calls `cut` when answers under way have had their time; what is given back takes that back. */
  whenOver(cut: () => void): () => void
}

export interface Cache {
  /** The remembered value for this key, else what `load` gives, asked for once however many wait for it. */
  remember<T>(key: string, load: () => Promise<Remembered<T>>): Promise<T>
  /** The same where it is at hand and not due to be renewed, without a promise; of no value undefined is remembered. */
  known<T>(key: string): T | undefined
  forget(key: string): void
}

export interface Remembered<T> {
  value: T
  /** How long it may be served without asking again, in milliseconds. */
  ttl: number
  /** How long after that it may still be served where asking again fails. Such a value is renewed ahead of time. */
  grace?: number
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line a call. Fields hold identifiers and figures: never a prompt, an answer or a secret. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void

export type LogFields = Record<string, string | number | boolean | null | undefined>
