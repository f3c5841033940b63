/** A gateway that is up: a real process of the build, ready, with its admin API at hand. */
import { freePort } from '../services/ports.ts'
import { eventually } from './eventually.ts'
import { type Exit, type Launched, type LaunchOptions, launch } from './launch.ts'

export interface GatewayOptions extends LaunchOptions {
  /** Whether to wait until it can serve, and not only until it answers. */
  ready?: boolean
  /** The Bedrock it is to talk to, and with which keys. */
  bedrock?: { url: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } }
}

export interface Gateway extends Launched {
  url: string
  port: number
  adminToken: string
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<Exit>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<Exit>
  /** Asks the admin API; `path` goes behind `/admin`. */
  admin(method: string, path: string, body?: unknown): Promise<Response>
  makeKey(wish?: { name?: string; models?: string[] }): Promise<MadeKey>
  /** The ledger, oldest first, as far as `query` selects. */
  spend(query?: Record<string, string>): Promise<SpendRow[]>
  /** The same once it holds `count` rows of which none is pending. */
  settled(count: number, query?: Record<string, string>): Promise<SpendRow[]>
}

export interface MadeKey {
  id: string
  key: string
}

/** A row of the ledger, as the admin API shows it. */
export interface SpendRow {
  id: string
  status: string
  key_id: string
  model: string
  model_id: string
  provider: string
  upstream: string
  region: string
  stream: boolean
  attempts: number
  usage: { input: number; cache_read: number; cache_write_5m: number; cache_write_1h: number; output: number }
  web_searches: number
  usage_source: string | null
  cost_nano: number | null
  stop_reason: string | null
  error_type: string | null
  session_id: string | null
  agent_id: string | null
  parent_agent_id: string | null
  started_at: string
  first_byte_ms: number | null
  duration_ms: number | null
}

/** Every replica on one Postgres has the same one. */
export const SECRET_KEY = 'only-for-tests-abcdefghijkl-0123456789'
export const ADMIN_TOKEN = 'only-for-tests-0123456789-abcdefghijkl'

/** Resolves when `GET /ready` says so, unless that was not asked for. @throws with what it wrote, where it ends instead. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env = { PORT: String(port), ADMIN_TOKEN, ...awsVariables(options), ...options.env }
  const launched = await launch({ ...options, env })
  try {
    await eventually(() => isUp(`${url}${options.ready === false ? '/health' : '/ready'}`, launched), {
      within: 60_000,
    })
    return { ...launched, ...ends(launched), ...administration(url, env.ADMIN_TOKEN), url, port }
  } catch (cause) {
    await launched.clear()
    throw new Error(`The gateway did not start.\n${launched.stdout()}${launched.stderr()}`, { cause })
  }
}

/** The fake Bedrock as the gateway is told of it. */
export function awsVariables({ bedrock }: GatewayOptions): Record<string, string> {
  if (!bedrock) return {}
  return {
    AWS_REGION: bedrock.region,
    AWS_ACCESS_KEY_ID: bedrock.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: bedrock.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    AWS_ENDPOINT_URL_BEDROCK: bedrock.url,
    AWS_ENDPOINT_URL_SERVICE_QUOTAS: bedrock.url,
  }
}

async function isUp(url: string, launched: Launched): Promise<true | undefined> {
  if (!launched.isRunning()) throw new Error('It ended.')
  const response = await fetch(url).catch(() => undefined)
  return response?.status === 200 ? true : undefined
}

function ends(launched: Launched) {
  const end = (signal: NodeJS.Signals) => {
    launched.signal(signal)
    return launched.exited
  }
  return { stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

/** The admin API of a gateway that is up. */
export function administration(url: string, adminToken: string) {
  const admin: Gateway['admin'] = (method, path, body) =>
    fetch(`${url}/admin${path}`, {
      method,
      // On a connection of its own: one that was kept open may be closing just when it is used again.
      headers: {
        authorization: `Bearer ${adminToken}`,
        'content-type': 'application/json',
        connection: 'close',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  async function expected(status: number, response: Response): Promise<unknown> {
    if (response.status === status) return response.json()
    throw new Error(`The admin API answered ${response.status}: ${await response.text()}`)
  }

  async function spend(query: Record<string, string> = {}): Promise<SpendRow[]> {
    const rows: SpendRow[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Record<string, string> = cursor === '' ? {} : { cursor }
      const search = new URLSearchParams({ limit: '1000', ...query, ...page })
      const { data, next } = (await expected(200, await admin('GET', `/requests?${search}`))) as {
        data: SpendRow[]
        next: string | null
      }
      rows.push(...data)
      cursor = next
    }
    return rows.reverse()
  }

  return {
    adminToken,
    admin,
    spend,
    async makeKey({ name = 'test', models }: { name?: string; models?: string[] } = {}) {
      const wish = models === undefined ? { name } : { name, models }
      return (await expected(201, await admin('POST', '/keys', wish))) as MadeKey
    },
    settled: (count: number, query?: Record<string, string>) =>
      eventually(async () => {
        const rows = await spend(query)
        return rows.length === count && rows.every((row) => row.status !== 'pending') ? rows : undefined
      }),
  }
}
