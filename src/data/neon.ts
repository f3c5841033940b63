/**
 * A Postgres at Neon, where there is no Hyperdrive. Over HTTP a statement is a request: nothing to open, nothing to
 * close, and no transactions: what should happen together happens one after the other. Over a WebSocket it is the whole
 * protocol, for a connection's price a request. https://neon.com/docs/serverless/serverless-driver
 */
import { neon, Pool } from '@neondatabase/serverless'
import { drizzle as overHttp } from 'drizzle-orm/neon-http'
import { drizzle as overWebSocket } from 'drizzle-orm/neon-serverless'
import type { OpenDatabase } from './database.ts'

/** For one request, to be closed when all its work is done. */
export function openNeon(url: string, wire: 'http' | 'websocket'): OpenDatabase {
  if (wire === 'http') return { database: overHttp(neon(url)), loose: true, close: async () => {} }
  const pool = new Pool({ connectionString: url, max: 5, connectionTimeoutMillis: 5_000 })
  pool.on('error', () => {}) // whoever asks hears of it; unheard, it would end the request
  return { database: overWebSocket(pool), close: () => pool.end() }
}
