/** The built gateway, as `npm start` runs it: a process with an empty data folder, writing its log to a file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Nobody's: they sign requests that nobody checks. */
const ACCESS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' }
const ADMIN_TOKEN = 'only-for-the-benchmark-0123456789'

/** The longest a start may take, in milliseconds, and a stop. */
const START = 60_000
const STOP = 10_000

export interface Gateway {
  url: string
  /** A developer key. */
  key: string
  /** Stops it, and gives the lines of its log that say that something went wrong. */
  stop(): Promise<string[]>
}

/** @param flags for Node, such as --cpu-prof */
export async function startGateway(upstream: string, flags: readonly string[]): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'outcrop-bench-'))
  const log = join(folder, 'log')
  const file = await open(log, 'w')
  const child = spawn(process.execPath, [...flags, '--enable-source-maps', 'dist/node.js'], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATA_DIR: join(folder, 'data'),
      LOG_FORMAT: 'json',
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: upstream,
      ADMIN_TOKEN,
      ...ACCESS,
    },
    stdio: ['ignore', file.fd, file.fd],
  })
  const clear = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', clear)
  await file.close()
  const url = await listening(child, log)
  return {
    url,
    key: await makeKey(url),
    async stop() {
      child.kill('SIGTERM')
      await Promise.race([once(child, 'exit'), sleep(STOP, undefined, { ref: false })])
      const lines = (await readFile(log, 'utf8')).split('\n')
      clear()
      process.off('exit', clear)
      return lines.filter((line) => /"level":"(warn|error)"/.test(line))
    },
  }
}

async function listening(child: ChildProcess, log: string): Promise<string> {
  for (const until = Date.now() + START; Date.now() < until && child.exitCode === null; await sleep(50)) {
    const [, url] = /"listening","url":"([^"]+)"/.exec(await readFile(log, 'utf8')) ?? []
    if (url !== undefined) return url
  }
  throw new Error(`The gateway did not start:\n${await readFile(log, 'utf8')}`)
}

async function makeKey(url: string): Promise<string> {
  const answer = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'benchmark' }),
  })
  const { key } = (await answer.json()) as { key?: string }
  if (key === undefined) throw new Error(`The gateway made no key: it answered ${answer.status}`)
  return key
}
