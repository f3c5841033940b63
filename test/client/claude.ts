/**
 * One run of Claude Code without a terminal, in an empty home and an empty folder, talking to loopback only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { claudeBinary, type Version } from './install.ts'

export interface Home {
  home: string
  cwd: string
  remove(): Promise<void>
}

export interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  ms: number
}

export interface Running {
  /** Of the process, for signals. */
  kill(signal: NodeJS.Signals): void
  done: Promise<Outcome>
}

export interface Session {
  version: Version
  /** Kept over several runs, so that a conversation can be continued. */
  home: Home
  args: readonly string[]
  env: Record<string, string>
  /** Messages for `--input-format stream-json`; each waits for the answer to the one before. */
  input?: readonly unknown[]
}

const TOO_LONG = 90_000

export async function emptyHome(): Promise<Home> {
  const root = await mkdtemp(join(tmpdir(), 'outcrop-client-'))
  const [home, cwd] = [await mkdtemp(join(root, 'home-')), await mkdtemp(join(root, 'work-'))]
  return {
    home,
    cwd,
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

export function gatewayEnv(url: string, key: string): Record<string, string> {
  return { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key }
}

export async function startClaude(session: Session): Promise<Running> {
  const started = Date.now()
  const child = spawn(await claudeBinary(session.version), session.args, {
    cwd: session.home.cwd,
    env: {
      HOME: session.home.home,
      TMPDIR: session.home.home,
      CLAUDE_CODE_TMPDIR: session.home.home,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LANG: 'C.UTF-8',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      IS_SANDBOX: '1', // lets root skip permissions
      ...session.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  converse(child, [...(session.input ?? [])])
  return { kill: (signal) => void child.kill(signal), done: outcome(child, started) }
}

/** Several messages at once would be taken for one. */
function converse({ stdin, stdout }: ChildProcess, messages: unknown[]): void {
  const next = () => {
    const message = messages.shift()
    if (message === undefined) stdin?.end()
    else stdin?.write(`${JSON.stringify(message)}\n`)
  }
  stdin?.on('error', () => undefined)
  stdout?.on('data', (piece: Buffer) => {
    if (piece.includes('"type":"result"')) next()
  })
  next()
}

async function outcome(child: ChildProcess, started: number): Promise<Outcome> {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (piece: Buffer) => {
      said[name] += piece.toString()
    })
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), TOO_LONG)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...ended) => resolve(ended))
  })
  clearTimeout(timer)
  return { code, signal, ...said, ms: Date.now() - started }
}

/** A user message for `--input-format stream-json`. */
export function userLine(content: unknown): unknown {
  return { type: 'user', message: { role: 'user', content } }
}

/** The `result` lines of `--output-format stream-json`: one a turn. */
export function turnResults(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { type?: string; result?: unknown })
    .flatMap((line) => (line.type === 'result' ? [String(line.result)] : []))
}
