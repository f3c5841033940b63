/**
 * The gateway as its users run it: a built process on a free port, with an empty DATA_DIR.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** One row of the ledger, as the admin API shows it. */
export interface SpendRow {
  id: string
  status: string
  model: string
  model_id: string | null
  stream: boolean
  attempts: number
  usage: { input: number; cache_read: number; cache_write_5m: number; cache_write_1h: number; output: number }
  usage_source: string | null
  error_type: string | null
  session_id: string | null
  agent_id: string | null
  parent_agent_id: string | null
}

export interface Gateway {
  url: string
  createKey(name: string): Promise<{ id: string; key: string }>
  /** Oldest first. */
  spend(): Promise<SpendRow[]>
  admin(method: string, path: string, body?: unknown): Promise<Response>
  /** Everything it wrote so far. */
  output(): string
  stop(): Promise<void>
}

const ENTRY = join(import.meta.dirname, '..', '..', 'dist', 'node.js')
const ADMIN_TOKEN = 'the-admin-token-of-the-client-tests-0001'

export async function startGateway(env: Record<string, string>): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'outcrop-gateway-'))
  const port = await freePort()
  const child = spawn(process.execPath, ['--enable-source-maps', ENTRY], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: join(folder, 'data'),
      ADMIN_TOKEN,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.on('data', (piece: Buffer) => {
      output += piece.toString()
    })
  }
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    const killed = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await gone
    clearTimeout(killed)
    await rm(folder, { recursive: true, force: true })
  }
  await ready(url, () => child.exitCode !== null).catch(async (error: unknown) => {
    await stop()
    throw new Error(`The gateway did not start:\n${output}`, { cause: error })
  })
  const admin = (method: string, path: string, body?: unknown) =>
    fetch(`${url}/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    url,
    admin,
    stop,
    output: () => output,
    createKey: (name) => createKey(admin, name),
    spend: () => spend(admin),
  }
}

type Admin = Gateway['admin']

async function createKey(admin: Admin, name: string): Promise<{ id: string; key: string }> {
  const response = await admin('POST', '/keys', { name })
  if (response.status !== 201) throw new Error(`No key: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: string; key: string }
}

async function spend(admin: Admin): Promise<SpendRow[]> {
  const response = await admin('GET', '/spend?limit=100')
  if (response.status !== 200) throw new Error(`No ledger: ${response.status} ${await response.text()}`)
  const { data } = (await response.json()) as { data: SpendRow[] }
  return data.reverse()
}

async function ready(url: string, ended: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    if (ended()) throw new Error('it ended')
    const response = await fetch(`${url}/ready`).catch(() => undefined)
    if (response?.status === 200) return
    await sleep(50)
  }
  throw new Error('it was not ready within 30 seconds')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
