/**
 * Neon's front door on loopback, before whichever Postgres a connection string names: statements over HTTP, and the
 * whole protocol over a WebSocket. As its driver speaks to it: https://github.com/neondatabase/serverless/blob/main/CONFIG.md
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import pg, { type PoolClient, type QueryResult } from 'pg'
import { createWebSocketStream, WebSocketServer } from 'ws'

export interface FakeNeon {
  /** `127.0.0.1:port` */
  host: string
  close(): Promise<void>
}

export async function startFakeNeon(): Promise<FakeNeon> {
  const pools = new Map<string, pg.Pool>()
  const server = createServer((request, response) => {
    void answer(request, response, pools)
  })
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (socket, { url = '' }) => {
    const [host = '', port] = (new URL(url, 'http://neon').searchParams.get('address') ?? '').split(':')
    const near = createWebSocketStream(socket)
    const far = connect(Number(port), host)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    host: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      server.close()
      for (const pool of pools.values()) await pool.end()
    },
  }
}

interface Statement {
  query: string
  params: unknown[]
}

async function answer(request: IncomingMessage, response: ServerResponse, pools: Map<string, pg.Pool>) {
  const say = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const url = String(request.headers['neon-connection-string'] ?? '')
  if (request.method !== 'POST' || request.url !== '/sql') return say(404, { message: 'not found' })
  const pool = pools.get(url) ?? new pg.Pool({ connectionString: url, max: 10 })
  pools.set(url, pool)
  try {
    const asked = JSON.parse(await bodyOf(request)) as Statement | { queries: Statement[] }
    const client = await pool.connect()
    try {
      say(200, await run(client, asked, request))
    } finally {
      client.release()
    }
  } catch (error) {
    say(400, refusal(error))
  }
}

async function run(
  client: PoolClient,
  asked: Statement | { queries: Statement[] },
  { headers }: IncomingMessage,
) {
  const isArray = headers['neon-array-mode'] === 'true'
  const isRaw = headers['neon-raw-text-output'] === 'true'
  const one = async ({ query, params }: Statement) => {
    const types = isRaw ? { types: { getTypeParser: () => (text: string) => text } } : {}
    const rowMode = isArray ? { rowMode: 'array' as const } : {}
    return shown(await client.query({ text: query, values: params, ...rowMode, ...types }), isArray)
  }
  if (!('queries' in asked)) return one(asked)
  await client.query('begin')
  try {
    const results = []
    for (const statement of asked.queries) results.push(await one(statement))
    await client.query('commit')
    return { results }
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

function shown({ fields, command, rowCount, rows }: QueryResult, rowAsArray: boolean) {
  return { fields, command, rowCount, rows, rowAsArray }
}

const TOLD = ['message', 'code', 'detail', 'hint', 'severity', 'constraint', 'table', 'column', 'schema']

function refusal(error: unknown) {
  const fields = error instanceof Error ? Object.fromEntries(Object.entries(error)) : {}
  const all = { ...fields, message: error instanceof Error ? error.message : String(error) }
  return Object.fromEntries(Object.entries(all).filter(([name]) => TOLD.includes(name)))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}
