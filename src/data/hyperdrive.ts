/**
 * A Postgres behind Hyperdrive, which keeps the connections: a client lives for one request, and opens none before it
 * is asked something. https://developers.cloudflare.com/hyperdrive/examples/connect-to-postgres/postgres-drivers-and-libraries/postgres-js/
 */
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { OpenDatabase } from './database.ts'

const OPTIONS = {
  /** Workers may have six connections open at once; one is left for the upstream. */
  max: 5,
  /** Hyperdrive caches prepared statements; asking for the types would cost a round trip a request. */
  prepare: true,
  fetch_types: false,
  /** Seconds. A request cannot wait longer than its caller. */
  connect_timeout: 5,
  /** Pauses between attempts are the ledger's to make. */
  backoff: () => 0,
  onnotice: () => {},
}

/**
 * For one request. Its connections end with the event that opened them: Cloudflare advises against ending them by hand,
 * which with this driver leaves a rejection that nobody handles. https://github.com/porsager/postgres/issues/1202
 */
export function openHyperdrive(url: string): OpenDatabase {
  return { database: drizzle(postgres(url, OPTIONS)), close: async () => {} }
}
