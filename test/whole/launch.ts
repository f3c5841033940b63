/**
 * The gateway as a process: started with nothing in its environment but what is said, heard, and ended.
 *
 * `launch({ on: 'bun' })` starts it on another runtime, by the words of `npm run start:bun`; so does `startGateway`.
 * Whether that runtime can be had is asked of `findRuntime` first: `test.skipIf('missing' in found)`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { findRuntime, HOSTS, type HostName } from '../services/runtimes.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')

export interface LaunchOptions {
  /** The runtime: else the one that OUTCROP_HOST names, for all tests to be run against it; else the tests' own. */
  on?: HostName
  /** Where its data are kept; a folder of its own, removed with it, unless named. */
  dataDir?: string
  /** On top of a bare environment; a variable set to nothing counts as not set. */
  env?: Readonly<Record<string, string>>
  /** For the runtime itself. */
  flags?: readonly string[]
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface Launched {
  pid: number
  dataDir: string
  /** Everything it has written so far. */
  stdout(): string
  stderr(): string
  exited: Promise<Exit>
  isRunning(): boolean
  signal(signal: NodeJS.Signals): void
  /** Ends it, if it still runs, and removes what is its own. */
  clear(): Promise<void>
}

export async function launch(options: LaunchOptions = {}): Promise<Launched> {
  const { on = hostWanted(), dataDir, env = {}, flags = [] } = options
  const { binary, words } = await commandFor(on)
  const home = await mkdtemp(join(tmpdir(), 'outcrop-gateway-'))
  const folder = dataDir ?? join(home, 'data')
  const child = spawn(binary, [...words.slice(0, -1), ...flags, ...words.slice(-1)], {
    cwd: home,
    env: { ...bareEnvironment(home), DATA_DIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid === undefined) throw new Error('The gateway could not be started')
  const killed = () => void child.kill('SIGKILL')
  process.once('exit', killed) // should the tests die without a word, so must it
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', killed)
      resolve({ code, signal })
    })
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  return {
    pid: child.pid,
    dataDir: folder,
    stdout: heard(child.stdout),
    stderr: heard(child.stderr),
    exited,
    isRunning,
    signal: (signal) => void child.kill(signal),
    async clear() {
      child.kill('SIGKILL')
      await exited
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** The scripts that start it: what they say is what is tested. */
const SCRIPTS = { node: 'start', node22: 'start', bun: 'start:bun', deno: 'start:deno' } as const

function hostWanted(): HostName {
  const named = process.env['OUTCROP_HOST'] ?? 'node'
  const host = HOSTS.find((each) => each === named)
  if (!host) throw new Error(`OUTCROP_HOST is one of ${HOSTS.join(', ')}, not ${named}`)
  return host
}

/** A runtime, and what is said to it; the entry comes last. */
async function commandFor(on: HostName): Promise<{ binary: string; words: string[] }> {
  const found = await findRuntime(on)
  if ('missing' in found) throw new Error(found.missing)
  const [, ...words] = manifest.scripts[SCRIPTS[on]].split(' ')
  const entry = join(REPOSITORY, words.pop() ?? '')
  if (!existsSync(entry)) throw new Error(`There is no ${entry}: npm run build`)
  return { binary: found.binary, words: [...words, entry] }
}

/** No proxy, no credentials, no profile of the machine's own; and no search for those of an instance. */
function bareEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_FORMAT: 'json',
    AWS_EC2_METADATA_DISABLED: 'true',
    DENO_NO_UPDATE_CHECK: '1',
  }
}

function heard(pipe: ChildProcess['stdout']): () => string {
  const pieces: Buffer[] = []
  pipe?.on('data', (piece: Buffer) => pieces.push(piece))
  return () => Buffer.concat(pieces).toString()
}
