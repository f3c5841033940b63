/** Outcrop with everything on that it has: keys, limits that are never reached, ledger, metrics. */
import { run } from '../../test/services/run.ts'
import { findRuntime } from '../../test/services/runtimes.ts'
import { startWorker } from '../../test/services/workerd.ts'
import { type Gateway, startGateway } from '../../test/whole/gateway.ts'
import { SESSION } from '../body.ts'
import type { Target } from '../generator.ts'
import type { Around, Contender, Running } from './contender.ts'
import { workerdVersion } from './identity.ts'

const SECRET_KEY = 'only-for-the-benchmark-abcdefghijkl-0123456789'
/** The highest there are: far away, and counted all the same. */
export const LIMITS = { requests_per_minute: 1_000_000, tokens_per_minute: 1_000_000_000 }

/** On a host, over the embedded store and over servers of its own. */
function pairOn(on: 'node' | 'bun', host: string): [Contender, Contender] {
  return [
    {
      name: on,
      title: `Outcrop on ${host}, embedded store`,
      hasOwnStore: true,
      start: (around) => startHost(on, around, {}),
    },
    {
      name: `${on}-pg`,
      title: `Outcrop on ${host}, Postgres and Redis`,
      async start(around) {
        const [postgres, redis] = [await around.postgres(), await around.redis()]
        const DATABASE_URL = await postgres.url(nameOfDatabase())
        return startHost(on, around, { DATABASE_URL, REDIS_URL: redis.url, SECRET_KEY })
      },
    },
  ]
}

export const onHosts: readonly Contender[] = [...pairOn('node', 'Node'), ...pairOn('bun', 'Bun')]

export const onWorkerd: Contender = {
  name: 'workerd',
  title: 'Outcrop on workerd, Postgres',
  async start(around) {
    const databaseUrl = await (await around.postgres()).url(nameOfDatabase())
    const worker = await startWorker({ databaseUrl, bedrock: bedrock(around), env: { SECRET_KEY } })
    return running(worker, workerdVersion())
  },
}

async function startHost(on: 'node' | 'bun', around: Around, env: Record<string, string>): Promise<Running> {
  const found = await findRuntime(on)
  if ('missing' in found) throw new Error(found.missing)
  const flags = around.profiles && on === 'node' ? ['--cpu-prof', `--cpu-prof-dir=${around.profiles}`] : []
  const gateway = await startGateway({ on, flags, bedrock: bedrock(around), env })
  const version = (await run(found.binary, ['--version'])).trim().replace(/^v/, '')
  return running(gateway, version, around.profiles !== undefined)
}

/** Nobody's keys: they sign requests that nobody checks. */
export function bedrock({ upstream }: Around) {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' }
  return { url: `http://127.0.0.1:${upstream}`, region: 'us-east-1', credentials }
}

/** @param politely it writes its profile when it is asked to end */
async function running(gateway: Gateway, version: string, politely = false): Promise<Running> {
  const key = await keyOf(gateway).catch(async (error: unknown) => {
    await gateway.clear()
    throw error
  })
  const target = targetOf(gateway.port, key)
  return {
    version,
    pid: gateway.pid,
    target: () => target,
    async stop() {
      if (politely) await gateway.stop()
      await gateway.clear()
    },
  }
}

/** Asks as Claude Code does. */
export function targetOf(port: number, key: string): Target {
  const headers = { ...CLIENT, authorization: `Bearer ${key}` }
  return { port, path: '/v1/messages?beta=true', headers, model: 'claude-sonnet-5-5' }
}

async function keyOf(gateway: Gateway): Promise<string> {
  const answer = await gateway.admin('POST', '/keys', { name: 'benchmark', limits: LIMITS })
  const said = await answer.text()
  if (!answer.ok) throw new Error(`It made no key: ${answer.status} ${said}`)
  return (JSON.parse(said) as { key: string }).key
}

/** The headers of Claude Code. */
const CLIENT = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'claude-cli/2.1.328 (external, cli)',
  'x-app': 'cli',
  'x-claude-code-session-id': SESSION,
  'anthropic-version': '2023-06-01',
  'anthropic-beta':
    'claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,' +
    'thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24',
  'x-stainless-lang': 'js',
  'x-stainless-runtime': 'node',
  'x-stainless-timeout': '600',
}

function nameOfDatabase(): string {
  return `bench_${process.hrtime.bigint()}`
}
