/** The built gateway as a process: started with nothing in its environment but what is said, heard, and ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ENTRY = join(import.meta.dirname, '..', '..', 'dist', 'node.js')

export interface LaunchOptions {
  /** Where its data are kept; a folder of its own, removed with it, unless named. */
  dataDir?: string
  /** On top of a bare environment; a variable set to nothing counts as not set. */
  env?: Readonly<Record<string, string>>
  /** For Node itself. */
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

export async function launch({ dataDir, env = {}, flags = [] }: LaunchOptions = {}): Promise<Launched> {
  if (!existsSync(ENTRY)) throw new Error('The gateway is not built: npm run build')
  const home = await mkdtemp(join(tmpdir(), 'outcrop-gateway-'))
  const folder = dataDir ?? join(home, 'data')
  const child = spawn(process.execPath, ['--enable-source-maps', ...flags, ENTRY], {
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

/** No proxy, no credentials, no profile of the machine's own; and no search for those of an instance. */
function bareEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_FORMAT: 'json',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

function heard(pipe: ChildProcess['stdout']): () => string {
  const pieces: Buffer[] = []
  pipe?.on('data', (piece: Buffer) => pieces.push(piece))
  return () => Buffer.concat(pieces).toString()
}
