/** The lower half of the ladder: what the gateway does to bytes, by its own functions, and nothing around them. */
import { once } from 'node:events'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Speech } from '../../src/gateway/speech.ts'
import { messagesVoice } from '../../src/gateway/voice.ts'
import { undiciSend } from '../../src/host/fetch.ts'
import { nodeHashes } from '../../src/host/hashes.ts'
import { bodyOf } from '../../src/host/nodebody.ts'
import { spokenTo } from '../../src/host/nodestream.ts'
import type { Bytes } from '../../src/protocol/bytes.ts'
import { adapt } from '../../src/protocol/fields/adapt.ts'
import { NOTHING_OMITTED } from '../../src/protocol/fields/target.ts'
import { member, outline, type Value } from '../../src/protocol/json.ts'
import { type Call, requestShape } from '../../src/protocol/messages.ts'
import { modelNamed } from '../../src/protocol/models.ts'
import { signed } from '../../src/protocol/sigv4.ts'
import { readEvents } from '../../src/protocol/streams.ts'
import { bedrockDecoder } from '../../src/providers/bedrock/decode.ts'
import { invokeEnvelope } from '../../src/providers/bedrock/invoke.ts'
import { MODEL_ID } from '../contenders/contender.ts'
import { does, type StepName } from './ladder.ts'

const PATH = `/model/${MODEL_ID}/invoke-with-response-stream`
const MODEL = 'claude-sonnet-5-5'
const HEADERS = { accept: 'application/vnd.amazon.eventstream', 'content-type': 'application/json' }
const KEYS = { accessKeyId: 'bench', secretAccessKey: 'bench', derived: new Map<string, Bytes>() }
const ABOUT = { model: MODEL, upstream: 'Amazon Bedrock', account: 'AWS account and region' }

/** Serves one step of the ladder, up to `hono`. */
export async function serveBare(step: StepName, upstream: number): Promise<number> {
  const server = createServer(does(step, 'hono') ? withHono(upstream) : withNode(step, upstream))
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function withHono(upstream: number) {
  const app = new Hono<{ Bindings: HttpBindings }>().post('/v1/messages', async (c) => {
    const { incoming } = c.env
    const body = await bodyOf(incoming as IncomingMessage, lengthOf(incoming as IncomingMessage))
    const { call, sent, headers } = await prepared(body, 'hono', upstream)
    const { speech, type } = await asked(call, sent, headers, upstream)
    const said = call.stream ? spokenTo(c.env.outgoing as ServerResponse, speech) : await speech.next()
    return new Response(said ?? null, { headers: { 'content-type': type } })
  })
  return getRequestListener(app.fetch)
}

function withNode(step: StepName, upstream: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const { call, sent, headers } = await prepared(await bodyOf(request, lengthOf(request)), step, upstream)
    if (!does(step, 'undici')) return pass(sent, headers, response)
    if (!does(step, 'decode')) return passOn(await ask(sent, headers, upstream), response)
    const { speech, type } = await asked(call, sent, headers, upstream)
    if (!call.stream) {
      const whole = (await speech.next()) ?? new Uint8Array()
      return response.writeHead(200, { 'content-type': type, 'content-length': whole.length }).end(whole)
    }
    response.writeHead(200, { 'content-type': type })
    for (let said = await speech.next(); said; said = await speech.next()) response.write(said)
    return response.end()
  }

  function pass(sent: Bytes, headers: Record<string, string>, response: ServerResponse) {
    const all = { ...headers, 'content-length': sent.length }
    const way = { agent, host: '127.0.0.1', port: upstream, method: 'POST', path: PATH, headers: all }
    const leaving = httpRequest(way, (heard) => {
      response.writeHead(heard.statusCode ?? 502, heard.headers)
      heard.pipe(response)
    })
    response.on('close', () => leaving.destroy())
    leaving.on('error', () => response.destroy()).end(sent)
  }

  return (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response).catch(() => response.destroy())
}

function lengthOf({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0)
}

/** A body, as far as this step treats it, and the headers to send it with. */
async function prepared(body: Bytes, step: StepName, upstream: number) {
  const call = does(step, 'edit') ? callOf(body) : { ...CALL, body }
  const sent = does(step, 'edit') ? (await adapt(call, TARGET, invokeEnvelope())).body : body
  if (does(step, 'sign')) return { call, sent, headers: await signedHeaders(sent, upstream) }
  if (does(step, 'hash')) await nodeHashes.sha256(sent)
  return { call, sent, headers: HEADERS }
}

const CALL: Call = {
  id: 'req_0',
  body: new Uint8Array(),
  outline: { start: 0, end: 0 } as Value,
  model: MODEL,
  stream: true,
  betas: ['interleaved-thinking-2025-05-14', 'context-management-2025-06-27'],
  signal: new AbortController().signal,
  session: undefined,
  agent: undefined,
  parentAgent: undefined,
  startedAt: 0,
}

const TARGET = {
  wire: 'invoke',
  model: modelNamed(MODEL),
  omit: NOTHING_OMITTED,
  secret: 'only-for-the-benchmark',
  hashes: nodeHashes,
} as const

function callOf(body: Bytes): Call {
  const root = outline(body, requestShape)
  const stream = member(root, 'stream')
  return { ...CALL, body, outline: root, stream: stream !== undefined && body[stream.start] === 0x74 }
}

function signedHeaders(body: Bytes, upstream: number) {
  const url = `http://127.0.0.1:${upstream}${PATH}`
  const request = { method: 'POST', url, headers: HEADERS, body, service: 'bedrock' } as const
  return signed({ ...request, region: 'us-east-1', now: Date.now() }, KEYS, nodeHashes)
}

const send = undiciSend()

function ask(body: Bytes, headers: Record<string, string>, upstream: number) {
  return send(`http://127.0.0.1:${upstream}${PATH}`, { method: 'POST', headers, body })
}

type Answer = Awaited<ReturnType<typeof ask>>

async function passOn({ status, headers, body }: Answer, response: ServerResponse) {
  response.writeHead(status, { 'content-type': headers.get('content-type') ?? '' })
  const reader = body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read())
    response.write(read.value)
  response.end()
}

/** What the client is told, read by read, or in one piece. */
async function asked(
  call: Call,
  body: Bytes,
  headers: Record<string, string>,
  upstream: number,
): Promise<{ speech: Speech; type: string }> {
  const answer = await ask(body, headers, upstream)
  if (!answer.body) throw new Error('an answer without a body')
  const events = readEvents(answer.body, bedrockDecoder(ABOUT, nodeHashes), () => {})
  const voice = messagesVoice(call)
  async function next() {
    for (let batch = await events.next(); batch; batch = await events.next()) {
      const said = voice.say(batch)
      if (said) return said
    }
    return voice.end()
  }
  return { speech: { next, cancel: events.cancel }, type: voice.contentType }
}
