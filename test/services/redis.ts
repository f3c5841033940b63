/**
 * A real Redis for tests: the one TEST_REDIS_URL names, else a throwaway server of the machine's own program on a free
 * loopback port, which can be paused and stopped. https://redis.io/docs/latest/operate/oss_and_stack/management/config/
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'
import { folderWith } from './run.ts'

export interface Redis {
  url: string
  close(): Promise<void>
}

export interface OwnRedis extends Redis {
  /** It takes connections and answers nothing, until `resume`. */
  pause(): void
  resume(): void
  /** Gone, with all it held, until `start` brings up another one in its place. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** Either a Redis that can be started, or why there is none, in a sentence for whoever runs the tests. */
export type Found<Kind extends Redis> = { start(): Promise<Kind> } | { missing: string }

const HOW_TO_INSTALL = 'Redis was not found. On Debian: apt-get install redis-server.'

/** @throws in CI, where nothing may be skipped. */
export async function findRedis(): Promise<Found<Redis>> {
  const url = process.env['TEST_REDIS_URL']
  return url ? { start: async () => ({ url, close: async () => {} }) } : findOwnRedis()
}

/** One that may be paused and stopped. @throws in CI, where nothing may be skipped. */
export async function findOwnRedis(): Promise<Found<OwnRedis>> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const folder = await folderWith(['redis-server'], [...path, '/usr/bin', '/usr/local/bin'])
  if (folder) return { start: () => startRedis(join(folder, 'redis-server')) }
  if (process.env['CI']) throw new Error(HOW_TO_INSTALL)
  console.warn(`Skipped: ${HOW_TO_INSTALL}`)
  return { missing: HOW_TO_INSTALL }
}

const STARTS = 3

async function startRedis(program: string): Promise<OwnRedis> {
  for (let start = 1; ; start++) {
    const port = await freePort()
    let server = spawnServer(program, port)
    const failure = await readiness(server)
    if (failure !== undefined && start < STARTS) continue
    if (failure !== undefined) throw new Error(`Redis did not start: ${failure}`)
    const stop = async () => {
      server.kill('SIGKILL')
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
    }
    return {
      url: `redis://127.0.0.1:${port}`,
      pause: () => void server.kill('SIGSTOP'),
      resume: () => void server.kill('SIGCONT'),
      stop,
      async start() {
        server = spawnServer(program, port)
        const again = await readiness(server)
        if (again !== undefined) throw new Error(`Redis did not start again: ${again}`)
      },
      close: stop,
    }
  }
}

function spawnServer(program: string, port: number): ChildProcess {
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn(program, flags, { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] })
  // Should the tests die without a word, so must the server.
  process.once('exit', () => server.kill('SIGKILL'))
  return server
}

/** Undefined once it takes connections, else what it said instead. */
function readiness(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = ''
    server.stdout?.on('data', (chunk: Buffer) => {
      if (said.length > 10_000) return
      said += chunk.toString()
      if (said.includes('Ready to accept connections')) resolve(undefined)
    })
    server.once('exit', () => resolve(said))
    server.once('error', (error) => resolve(error.message))
  })
}
