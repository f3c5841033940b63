/** What a Worker is bound to, as much of it as is used here. https://developers.cloudflare.com/workers/runtime-apis/bindings/ */
import type { JsonRow } from '../data/rows.ts'

/** Variables and secrets are strings among the rest. */
export interface Bindings {
  HYPERDRIVE?: { connectionString: string }
  LEDGER_QUEUE?: { send(rows: readonly JsonRow[]): Promise<unknown> }
  ASSETS?: { fetch(request: Request): Promise<Response> }
  [name: string]: unknown
}

/** https://developers.cloudflare.com/workers/runtime-apis/context/ */
export interface Context {
  waitUntil(work: Promise<unknown>): void
}

/** https://developers.cloudflare.com/workers/runtime-apis/handlers/scheduled/ */
export interface Tick {
  cron: string
  /** Milliseconds since 1970. */
  scheduledTime: number
}

/** https://developers.cloudflare.com/queues/configuration/javascript-apis/#messagebatch */
export interface Batch {
  messages: readonly Message[]
}

interface Message {
  body: unknown
  /** How often it has been delivered, this time included. */
  attempts: number
  ack(): void
  retry(options: { delaySeconds: number }): void
}

/** Its variables and secrets. */
export function variablesIn(bindings: Bindings): Record<string, string> {
  const texts = Object.entries(bindings).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(texts)
}
