/**
 * The Worker as a real process: workerd itself, offline, with what Cloudflare has around it. The shape is that of
 * `startGateway`, so that one suite runs on either:
 *
 *     const worker = await startWorker({ databaseUrl: await postgres.url('name'), bedrock: fake })
 *     const { key } = await worker.makeKey()
 *     await fetch(`${worker.url}/v1/messages`, ...)
 *     const [row] = await worker.settled(1)
 *     await worker.clear()
 *
 * A Worker needs a Postgres: the URL of an empty database, which is migrated here and bound as a Hyperdrive. Where
 * workerd stands is asked of the package that wrangler comes with. https://github.com/cloudflare/workerd
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migratePostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { eventually } from '../whole/eventually.ts'
import {
  ADMIN_TOKEN,
  administration,
  awsVariables,
  type Gateway,
  type GatewayOptions,
  SECRET_KEY,
} from '../whole/gateway.ts'
import type { Exit } from '../whole/launch.ts'
import { bundleWorker } from './bundle.ts'
import { capnpConfig } from './capnp.ts'
import { freePort } from './ports.ts'

export interface WorkerOptions {
  /** An empty database; without it the Worker has none bound. */
  databaseUrl?: string
  /** Where Hyperdrive is to find it instead: a relay, say. */
  through?: { port: number }
  /** It is not behind Hyperdrive but at Neon: where test/fakes/neon.ts is, and over what it is spoken to. */
  neon?: { host: string; wire: 'http' | 'websocket' }
  /** Whether to bring its schema up first. */
  migrate?: boolean
  /** Whether a queue is bound for the ledger. */
  queue?: boolean
  bedrock?: NonNullable<GatewayOptions['bedrock']>
  /** Variables and secrets; one that is set to nothing counts as not set. */
  env?: Readonly<Record<string, string>>
  /** Whether to wait for `GET /ready`. */
  ready?: boolean
}

export interface Worker extends Gateway {
  /** Milliseconds from the start of its process to its first answer. */
  startedIn: number
  /** Fires the cron trigger. */
  everyHour(): Promise<void>
  queue: {
    /** The ledger rows that wait in it. */
    rows(): Promise<{ id: string; status: string }[]>
    /** Delivers everything once, and says how many messages have to come again. */
    deliver(): Promise<number>
  }
}

export const WORKERD = join(
  import.meta.dirname,
  '../../node_modules',
  `@cloudflare/workerd-${process.platform === 'darwin' ? 'darwin' : 'linux'}-${process.arch === 'arm64' ? 'arm64' : '64'}`,
  'bin/workerd',
)

/** Resolves when it is ready. @throws with what it wrote, where it ends instead. */
export async function startWorker(options: WorkerOptions = {}): Promise<Worker> {
  const { databaseUrl, migrate = true, env = {}, ready = true } = options
  if (!existsSync(WORKERD)) throw new Error(`There is no workerd at ${WORKERD}: npm ci`)
  if (databaseUrl !== undefined && migrate) await migratePostgres(databaseUrl, MIGRATIONS)
  const [home, port, platformPort] = [
    await mkdtemp(join(tmpdir(), 'outcrop-workerd-')),
    await freePort(),
    await freePort(),
  ]
  const variables = { SECRET_KEY, ADMIN_TOKEN, ...neonVariables(options), ...awsVariables(options), ...env }
  await bundleWorker(join(home, 'worker.mjs'), { entry: options.neon && NEON_ENTRY })
  await copyFile(join(import.meta.dirname, 'platform.js'), join(home, 'platform.mjs'))
  await writeFile(join(home, 'config.capnp'), capnpConfig({ ...options, port, platformPort, variables }))
  const began = performance.now()
  const process = runWorkerd(home)
  let startedIn = 0
  const url = `http://127.0.0.1:${port}`
  const clear = async () => {
    process.signal('SIGKILL')
    await process.exited
    await rm(home, { recursive: true, force: true })
  }
  try {
    await eventually(() => answers(`${url}/health`, false, process.isRunning), { within: 30_000, every: 5 })
    startedIn = performance.now() - began
    await eventually(() => answers(`${url}/ready`, ready, process.isRunning), { within: 30_000 })
  } catch (cause) {
    await clear()
    throw new Error(`The Worker did not start.\n${process.stdout()}${process.stderr()}`, { cause })
  }
  const end = (signal: NodeJS.Signals) => {
    process.signal(signal)
    return process.exited
  }
  return {
    ...process,
    ...administration(url, variables.ADMIN_TOKEN),
    ...platform(`http://127.0.0.1:${platformPort}`),
    dataDir: home,
    startedIn,
    url,
    port,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    clear,
  }
}

const NEON_ENTRY = join(import.meta.dirname, '../fakes/neonworker.ts')

function neonVariables({ neon, databaseUrl = '' }: WorkerOptions): Record<string, string> {
  if (!neon) return {}
  return { DATABASE_URL: databaseUrl, DATABASE_WIRE: neon.wire, FAKE_NEON: neon.host }
}

function runWorkerd(home: string) {
  const child = spawn(WORKERD, ['serve', '--experimental', 'config.capnp'], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' }
  for (const pipe of ['stdout', 'stderr'] as const)
    child[pipe].setEncoding('utf8').on('data', (text: string) => {
      written[pipe] += text
    })
  const killed = () => void child.kill('SIGKILL')
  process.once('exit', killed) // should the tests die without a word, so must it
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', killed)
      resolve({ code, signal })
    })
  })
  return {
    pid: child.pid ?? 0,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
  }
}

async function answers(url: string, ready: boolean, isRunning: () => boolean): Promise<true | undefined> {
  if (!isRunning()) throw new Error('It ended.')
  const response = await fetch(url).catch(() => undefined)
  return response && (response.status === 200 || !ready) ? true : undefined
}

function platform(url: string) {
  async function ask(path: string): Promise<unknown> {
    const response = await fetch(`${url}${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    async everyHour() {
      const { outcome } = (await ask('/scheduled')) as { outcome: string }
      if (outcome !== 'ok') throw new Error(`The cron trigger ended in ${outcome}`)
    },
    queue: {
      rows: async () => ((await ask('/waiting')) as { id: string; status: string }[][]).flat(),
      deliver: async () => ((await ask('/deliver')) as { left: number }).left,
    },
  }
}
