/**
 * One request at the fake's desk: received, verified, judged, answered, and written down.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TokenBuckets } from './buckets.ts'
import type { PromptCache } from './cache.ts'
import { serveControl } from './control.ts'
import { metrics, speak } from './events.ts'
import { type Examined, examine, type Rulebook } from './examine.ts'
import type { Thing } from './json.ts'
import type { Brain } from './plan.ts'
import { type Head, play } from './player.ts'
import { EXCEPTIONS, type Refusal, refusal, STREAM_EXCEPTIONS } from './refusal.ts'
import { jsonScore, streamScore } from './score.ts'
import type { Operation, SeenRequest } from './seen.ts'
import { splitTarget } from './signature.ts'
import { isFor, type Step } from './steps.ts'
import { weigh } from './tokens.ts'

export interface Desk extends Rulebook {
  brain: Brain
  pace: number
  seen: SeenRequest[]
  steps: Step[]
  cache: PromptCache
  /** The account's quotas, where it has any. */
  buckets: TokenBuckets | undefined
  account: string
  next(): number
  /** The regions of each application inference profile; the fake's own for any other, '' for all of them. */
  reach: Readonly<Record<string, readonly string[]>>
  /** Profiles that were asked about. */
  asked: string[]
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  invoke: 'invoke',
  'invoke-with-response-stream': 'stream',
  'count-tokens': 'count',
}
const MOST_SEEN = 10_000
/** InvokeModel's documented limit; the rest of a larger body is read and dropped. */
const LARGEST = 25_000_000

export async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = desk.now()
  const { bytes, size } = await receive(request)
  const target = request.url ?? '/'
  const [, segment = '', verb = ''] = /^\/model\/([^/]+)\/([a-z-]+)$/.exec(splitTarget(target)[0]) ?? []
  const operation = OPERATIONS[verb]
  const arrived = { method: request.method ?? '', target, headers: request.headers, bytes }
  if (await serveControl(desk, arrived, response)) return
  if (operation === undefined || request.method !== 'POST') {
    return refuse(response, refusal('UnknownOperationException'), desk.next())
  }
  const result = await examine(desk, arrived, { segment, operation, tooLarge: size > LARGEST })
  const seen: SeenRequest = {
    at,
    method: request.method,
    path: target,
    modelId: result.modelId,
    operation,
    headers: request.headers,
    bytes,
    body: result.body,
    outcome: 'accepted',
  }
  desk.seen.push(seen)
  if (desk.seen.length > MOST_SEEN) desk.seen.shift()
  if (result.refusal) return writeDown(seen, result.refusal, response, desk.next())
  return respond(desk, seen, result, response)
}

async function receive(request: IncomingMessage): Promise<{ bytes: Buffer; size: number }> {
  const kept: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size <= LARGEST) kept.push(piece)
  }
  return { bytes: Buffer.concat(kept), size }
}

function writeDown(seen: SeenRequest, no: Refusal, response: ServerResponse, id: number, more = {}): void {
  seen.outcome = 'refused'
  seen.refusal = { status: no.status, type: no.type, message: no.message }
  refuse(response, no, id, more)
}

function refuse(response: ServerResponse, no: Refusal, id: number, more: Record<string, string> = {}): void {
  response.writeHead(no.status, {
    'content-type': 'application/json',
    'x-amzn-errortype': `${no.type}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
    'x-amzn-requestid': requestId(id),
    ...more,
  })
  response.end(JSON.stringify({ message: no.message, ...no.extra }))
}

function requestId(id: number): string {
  return `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`
}

async function respond(
  desk: Desk,
  seen: SeenRequest,
  { model, body, modelId }: Examined,
  response: ServerResponse,
): Promise<void> {
  const { operation } = seen
  const step = takeStep(desk.steps, operation)
  const no = scriptedRefusal(step, operation)
  if (no) {
    seen.scripted = true
    return writeDown(seen, no, response, desk.next(), step.kind === 'refuse' ? step.headers : {})
  }
  if (model === undefined || operation === 'count') {
    return void response
      .writeHead(200, { 'content-type': 'application/json', 'x-amzn-requestid': requestId(desk.next()) })
      .end(JSON.stringify({ inputTokens: weigh(body) }))
  }
  const settle = desk.buckets?.begin(arriving(desk, modelId, body), desk.now())
  if (desk.buckets && !settle) return writeDown(seen, refusal('ThrottlingException'), response, desk.next())
  const said = step.reply ?? desk.brain
  const plan = typeof said === 'function' ? said(body, { modelId, operation }) : said
  const input = desk.cache.use(body, model, desk.now())
  const speech = speak(plan, { api: model.api, body, input, next: desk.next })
  seen.usage = speech.usage
  const delay = plan.delay ?? 0
  const pace = step.pace ?? plan.pace ?? desk.pace
  const streams = operation === 'stream'
  const acts = streams
    ? streamScore(speech.events, step, delay, pace)
    : jsonScore(speech.message, step, delay)
  const early = await play(response, headOf(streams, speech.usage, desk.next()), acts, step)
  seen.closedAt = desk.now()
  settle?.(spentOf(speech.usage), seen.closedAt)
  if (early) seen.closedEarly = true
}

function arriving({ account, region }: Desk, modelId: string, body: Thing) {
  return { account, region, modelId, inputTokens: weigh(body), maxTokens: Number(body['max_tokens']) }
}

function spentOf(usage: Thing) {
  return {
    input: Number(usage['input_tokens'] ?? 0),
    cacheWrite: Number(usage['cache_creation_input_tokens'] ?? 0),
    output: Number(usage['output_tokens'] ?? 0),
  }
}

function takeStep(steps: Step[], operation: Operation): Step {
  const index = steps.findIndex((step) => isFor(step, operation))
  const [step] = index < 0 ? [] : steps.splice(index, 1)
  return step ?? { kind: 'answer' }
}

/** Faults of a stream become plain HTTP errors where there is no stream. */
function scriptedRefusal(step: Step, operation: Operation): Refusal | undefined {
  if (step.kind === 'refuse') return refusal(step.exception, step.message)
  if (operation === 'stream') return undefined
  if (step.kind === 'error') return refusal('InternalServerException', step.message)
  if (step.kind !== 'exception') return undefined
  const type = STREAM_EXCEPTIONS[step.name]
  return refusal(type, step.message ?? EXCEPTIONS[type].message)
}

function headOf(streams: boolean, usage: Thing, id: number): Head {
  const always = { 'x-amzn-requestid': requestId(id) }
  if (streams) {
    const type = 'application/vnd.amazon.eventstream'
    return {
      status: 200,
      headers: { ...always, 'content-type': type, 'x-amzn-bedrock-content-type': 'application/json' },
    }
  }
  const counts = metrics(usage)
  return {
    status: 200,
    headers: {
      ...always,
      'content-type': 'application/json',
      'x-amzn-bedrock-input-token-count': String(counts['inputTokenCount']),
      'x-amzn-bedrock-output-token-count': String(counts['outputTokenCount']),
      'x-amzn-bedrock-invocation-latency': String(counts['invocationLatency']),
    },
  }
}
