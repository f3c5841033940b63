/**
 * A fake server of the Messages API on a loopback port, behind one of five doors: Bedrock's runtime, Mantle, Claude
 * Platform on AWS, Anthropic itself, Google Vertex AI. It verifies what it is sent, answers in SSE, and can be scripted
 * to fail. It shares no code with the gateway it judges.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { brain } from './brain.ts'
import { promptCache } from './cache.ts'
import { speak } from './events.ts'
import type { Thing } from './json.ts'
import { type Door, examine, isNo, type Keys, type No, type Passed, thingsOf } from './messagesgate.ts'
import type { Plan } from './plan.ts'
import { weigh } from './tokens.ts'

export { api, google } from './messagesgate.ts'
export type { Door, No }

/** One step a request that passes the door. */
export type MessagesStep =
  | { kind: 'answer'; reply?: Plan; split?: number }
  /** An HTTP answer instead of one of its own. */
  | { kind: 'refuse'; no: No }
  /** An `error` event after so many events. */
  | { kind: 'error'; after: number; data: unknown }
  /** The connection is destroyed after so many bytes. */
  | { kind: 'cut'; bytes: number }
  /** Exactly this text, as a stream. */
  | { kind: 'text'; text: string }

export interface SeenMessage {
  path: string
  headers: IncomingMessage['headers']
  bytes: Buffer
  body: Thing
  outcome: 'accepted' | 'refused'
}

export interface FakeMessages {
  /** Scheme, host and port. */
  url: string
  keys: Keys
  seen: SeenMessage[]
  script(...steps: MessagesStep[]): void
  reset(): void
  close(): Promise<void>
}

export async function startFakeMessages(door: Door, own: Partial<Keys> = {}): Promise<FakeMessages> {
  const keys: Keys = {
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    secret: 'not-a-secret',
    region: door === 'vertex' ? 'global' : 'us-east-1',
    workspace: 'wrkspc_test',
    project: 'some-project',
    now: Date.now,
    ...own,
  }
  const seen: SeenMessage[] = []
  const steps: MessagesStep[] = []
  const server = createServer((request, response) => {
    serve(door, keys, seen, steps, request, response).catch((error: unknown) =>
      response.destroy(error as Error),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    keys,
    seen,
    script: (...more) => void steps.push(...more),
    reset() {
      seen.length = 0
      steps.length = 0
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  door: Door,
  keys: Keys,
  seen: SeenMessage[],
  steps: MessagesStep[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  const { headers, url: path = '/', method = 'GET' } = request
  const outcome = await examine(door, { method, target: path, headers, bytes }, keys)
  const refused = isNo(outcome)
  seen.push({ path, headers, bytes, body: thingsOf(bytes), outcome: refused ? 'refused' : 'accepted' })
  if (refused) return refuse(response, outcome)
  const step = steps.shift() ?? { kind: 'answer' }
  if (step.kind === 'refuse') return refuse(response, step.no)
  if (outcome.counts) return refuse(response, { status: 200, body: { input_tokens: weigh(outcome.body) } })
  return say(response, step, step.kind === 'text' ? step.text : speechOf(door, outcome, step, seen.length))
}

/** What every server says of the account behind the key, and no developer is to read. */
const OWN_HEADERS = {
  'anthropic-organization-id': '00000000-0000-4000-8000-00000000feed',
  'anthropic-ratelimit-requests-remaining': '7',
  'request-id': 'req_upstream',
}

function refuse(response: ServerResponse, { status, body, headers = {} }: No): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, { ...OWN_HEADERS, 'content-type': 'application/json', ...headers }).end(text)
}

function speechOf(door: Door, { model, body, told }: Passed, step: MessagesStep, count: number): string {
  const plan =
    step.kind === 'answer' && step.reply
      ? step.reply
      : brain(body, { modelId: model.id, operation: 'stream' })
  const input = promptCache().use(body, model, 0)
  const { events } = speak(plan, { api: told, body, input, next: () => count })
  const own =
    door === 'runtime' ? events : events.map((event) => event.replace(/,"amazon-bedrock-.*\}\}$/, '}'))
  const [first = '', ...rest] = own.map((event) => frame(String(thingsOf(Buffer.from(event))['type']), event))
  const frames = [first, frame('ping', '{"type": "ping"}'), ...rest]
  if (step.kind !== 'error') return frames.join('')
  return [...frames.slice(0, step.after), frame('error', JSON.stringify(step.data))].join('')
}

export function frame(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`
}

async function say(response: ServerResponse, step: MessagesStep, text: string): Promise<void> {
  response.writeHead(200, { ...OWN_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' })
  const bytes = Buffer.from(text)
  if (step.kind === 'cut') {
    response.write(bytes.subarray(0, step.bytes), () => response.socket?.destroy())
    return
  }
  const size = (step.kind === 'answer' && step.split) || bytes.length
  for (let at = 0; at < bytes.length; at += size) {
    response.write(bytes.subarray(at, at + size))
    if (size < bytes.length) await setImmediate()
  }
  response.end()
}
