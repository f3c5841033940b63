/**
 * Canaries: words that nothing else says, for whatever a client says or is told and for every secret; a gateway that is
 * listened to; and where in all that it writes down, and in its errors, any of them is heard.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { app } from '../../src/app.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import { picture } from '../client/picture.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import type { Thing } from '../fakes/json.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

const NAMES = [
  'prompt',
  'system',
  'toolName',
  'toolDescription',
  'toolParameter',
  'toolInput',
  'toolResult',
  'metadata',
  'stopSequence',
  'answer',
  'thought',
  'query',
  'pageTitle',
  'pageText',
  'pagePath',
  'imagePath',
  'imageUser',
  'enginePath',
  'engineToken',
  'adminToken',
  'accessKeySecret',
  'sessionToken',
  'strangersKey',
] as const
export type Name = (typeof NAMES)[number]

export const C = Object.fromEntries(
  NAMES.map((name) => [name, `canary-${name}-0123456789-abcdefghij`]),
) as Record<Name, string>

export interface Surroundings {
  bedrock: FakeBedrock
  /** Of a web server: a picture at what ends in `.png`, any `?status=`, else what a search engine answers. */
  origin: string
  close(): Promise<void>
}

export async function startSurroundings(): Promise<Surroundings> {
  const secrets = { secretAccessKey: C.accessKeySecret, sessionToken: C.sessionToken }
  const bedrock = await startFakeBedrock({ credentials: { accessKeyId: 'AKIDEXAMPLE', ...secrets } })
  const web = createServer(answer)
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  return {
    bedrock,
    origin: `http://127.0.0.1:${(web.address() as AddressInfo).port}`,
    async close() {
      web.close()
      web.closeAllConnections()
      await bedrock.close()
    },
  }
}

function answer(request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://web.test')
  const status = searchParams.get('status')
  if (status !== null) return void response.writeHead(Number(status)).end(C.pageText)
  if (pathname.endsWith('.png'))
    return void response.setHeader('content-type', 'image/png').end(picture(4, 4))
  const page = { url: `https://pages.test/${C.pagePath}`, title: C.pageTitle, snippet: C.pageText }
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ results: [page] }))
}

export interface Watched extends TestGateway {
  /** Every answer to it, as far as it has been read. */
  heard: { status: number; text: string }[]
  /** Everything that was put into the settings. */
  stored: unknown[]
  /** Sends, reads to the end, and remembers. */
  ask(body: unknown, more?: Parameters<TestGateway['post']>[1]): Promise<string>
  admin(method: string, path: string, body?: object, token?: string): Promise<string>
}

export async function watched({ bedrock }: Surroundings): Promise<Watched> {
  const gateway = await gatewayOn(bedrock, {
    egress: pinnedEgress({ loopback: true }),
    env: { ADMIN_TOKEN: C.adminToken, LOG_LEVEL: 'debug' },
  })
  const { runtime } = gateway
  const heard: Watched['heard'] = []
  const stored: unknown[] = []
  const { put } = runtime.data.settings
  runtime.data.settings.put = async (name, value) => {
    stored.push(name, value)
    return put(name, value)
  }
  const read = async (response: Response) => {
    const text = await response.text()
    heard.push({ status: response.status, text: text + JSON.stringify([...response.headers]) })
    return text
  }
  return {
    ...gateway,
    heard,
    stored,
    ask: async (body, more) => read(await gateway.post(body, more)),
    async admin(method, path, body, token = C.adminToken) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      return read(
        await app.request(
          path,
          { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) },
          runtime,
        ),
      )
    },
  }
}

/** Where a gateway leaves traces, each as text. */
async function traces({ runtime, stored, heard }: Watched): Promise<Record<string, string>> {
  await runtime.settled()
  return {
    logs: JSON.stringify(runtime.lines),
    ledger: JSON.stringify(runtime.rows),
    capabilities: JSON.stringify(await runtime.data.capabilities.all(new Date(0))),
    settings: JSON.stringify(stored),
    keys: JSON.stringify(runtime.keys),
    metrics: await runtime.metrics.text(),
    errors: JSON.stringify(heard.filter(({ status }) => status >= 400)),
  }
}

/** Which canaries sing, and where; `quoted` may, in an error to the caller whose words they are. */
export async function singing(gateway: Watched, quoted: readonly Name[] = []): Promise<string[]> {
  const secret = gateway.headers['x-api-key']
  const all = [...Object.entries(C), ['key', secret] as const]
  return Object.entries(await traces(gateway)).flatMap(([place, text]) =>
    all
      .filter(([name, word]) => text.includes(word) && !(place === 'errors' && quoted.includes(name as Name)))
      .map(([name]) => `${name} in ${place}`),
  )
}

const TOOL = {
  name: C.toolName,
  description: C.toolDescription,
  input_schema: { type: 'object', properties: { [C.toolParameter]: { type: 'string' } } },
}

/** A request that says everything a request can say. */
export function request(more: Thing = {}): Thing {
  return {
    model: 'claude-opus-4-6',
    max_tokens: 2_000,
    stream: true,
    system: [{ type: 'text', text: C.system }],
    tools: [TOOL],
    metadata: { user_id: C.metadata },
    stop_sequences: [C.stopSequence],
    messages: [
      { role: 'user', content: [{ type: 'text', text: C.prompt }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'toolu_1', name: C.toolName, input: { [C.toolParameter]: C.toolInput } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: C.toolResult }] },
    ],
    ...more,
  }
}
