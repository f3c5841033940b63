/**
 * The upstreams of a simulated day: accounts and regions with Bedrock's token quotas, a prompt cache each, and models that
 * take their time. They speak InvokeModel's streaming form, in the process of the gateway and in virtual time.
 */

import type { Halting } from '../../src/protocol/halt.ts'
import type { Answer, Sending } from '../../src/protocol/send.ts'
import { type Spent, type TokenBuckets, tokenBuckets } from '../../test/fakes/buckets.ts'
import { chunkFrame } from '../../test/fakes/frames.ts'
import type { VirtualTime } from './clock.ts'
import type { Ask } from './people.ts'
import { priceOf } from './prices.ts'

export interface Place {
  account: string
  region: string
}

export interface Clouds {
  fetch(url: string, init: Sending): Promise<Answer>
  /** Whether any place had room for this call just now. */
  couldServe(ask: Ask): boolean
  seen: Seen
}

/** What the upstreams have seen. */
export interface Seen {
  calls: number
  throttled: number
  tokens: { input: number; cacheRead: number; cacheWrite: number; output: number }
  /** Written anew though another place had it in its cache: the gateway moved the conversation. */
  rewritten: { tokens: number; dollars: number; moves: number }
  dollars: number
  /** By the id of the call: when the upstream that answered got it. */
  arrived: Map<string, number>
}

export interface Quotas {
  main: number
  small: number
}

const CACHE_LIVES = 300_000
const LEAST_CACHED = 1_024

export function clouds(time: VirtualTime, places: readonly Place[], quotas: Quotas | undefined): Clouds {
  const buckets = quotas && tokenBuckets((baseId) => (baseId.includes('haiku') ? quotas.small : quotas.main))
  const caches = new Map(places.map((place) => [place, promptCache(time)]))
  const seen: Seen = {
    calls: 0,
    throttled: 0,
    tokens: { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 },
    rewritten: { tokens: 0, dollars: 0, moves: 0 },
    dollars: 0,
    arrived: new Map(),
  }

  /** What is read and written of a conversation at a place. */
  function cached(ask: Ask, place: Place, modelId: string) {
    const cache = caches.get(place)
    if (!cache || ask.cachedTokens < LEAST_CACHED) return { read: 0, written: 0 }
    const read = cache.read(modelId, ask)
    const elsewhere = Math.max(0, ...[...caches.values()].map((other) => other.peek(modelId, ask)))
    if (elsewhere > read) {
      const { write, read: again } = priceOf(ask.model)
      seen.rewritten.moves++
      seen.rewritten.tokens += elsewhere - read
      seen.rewritten.dollars += (elsewhere - read) * (write - again)
    }
    cache.write(modelId, ask)
    return { read, written: Math.max(0, ask.cachedTokens - read) }
  }

  async function fetch(url: string, { body, signal, headers }: Sending): Promise<Answer> {
    time.stir()
    const { host, pathname } = new URL(url)
    const modelId = decodeURIComponent(pathname.split('/')[2] ?? '')
    const { ask, id } = asked(body)
    const place = places.find((each) => host.includes(each.region) && isSignedBy(headers, each))
    if (!place) throw new Error(`nobody lives at ${host}`)
    seen.calls++
    const settle = begin(buckets, place, modelId, ask, time)
    if (!settle) {
      seen.throttled++
      await time.rest(40, signal)
      return throttling()
    }
    seen.arrived.set(id, time.now())
    const { read, written } = cached(ask, place, modelId)
    const input = ask.inputTokens - read - written
    const { first, whole } = duration(ask, read)
    await time.rest(first, signal)
    let isSettled = false
    const over = () => {
      if (isSettled) return
      isSettled = true
      settle({ input, cacheWrite: written, output: ask.outputTokens })
    }
    if (signal?.aborted) {
      over()
      throw new DOMException('The call was given up.', 'AbortError')
    }
    const { tokens } = seen
    tokens.input += input
    tokens.cacheRead += read
    tokens.cacheWrite += written
    tokens.output += ask.outputTokens
    const price = priceOf(ask.model)
    seen.dollars +=
      input * price.input + read * price.read + written * price.write + ask.outputTokens * price.output
    const usage = { input_tokens: input, cache_read_input_tokens: read, cache_creation_input_tokens: written }
    return stream(time, { usage, output: ask.outputTokens, rest: whole - first, over, signal })
  }

  return {
    fetch,
    couldServe: (ask) => !buckets || places.some((place) => hasRoom(buckets, place, ask, time)),
    seen,
  }
}

export const MODELS = { main: 'claude-opus-5-5', small: 'claude-haiku-5-5' } as const

/** Accounts are told apart by their keys. */
export function accessKeyOf({ account }: Place): string {
  return `AKIA${account}`
}

function isSignedBy(headers: Sending['headers'] = {}, place: Place): boolean {
  const signature = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')
  return signature?.[1].includes(`Credential=${accessKeyOf(place)}/`) ?? false
}

/** A call tells what it is in the first words of its prompt. */
function asked(body: Sending['body']): { ask: Ask; id: string } {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body ?? [])
  const from = bytes.indexOf('<<')
  const words = bytes.toString('utf8', from + 2, bytes.indexOf('>>', from))
  return JSON.parse(Buffer.from(words, 'base64').toString())
}

/** How `asked` is to find it. */
export function words(ask: Ask, id: string): string {
  return `<<${Buffer.from(JSON.stringify({ ask, id })).toString('base64')}>>`
}

function begin(
  buckets: TokenBuckets | undefined,
  { account, region }: Place,
  modelId: string,
  { inputTokens, maxTokens }: Ask,
  time: VirtualTime,
): ((spent: Spent) => void) | undefined {
  if (!buckets) return () => {}
  const settle = buckets.begin({ account, region, modelId, inputTokens, maxTokens }, time.now())
  return settle && ((spent) => settle(spent, time.now()))
}

function hasRoom(buckets: TokenBuckets, { account, region }: Place, ask: Ask, time: VirtualTime): boolean {
  const modelId = `us.anthropic.${MODELS[ask.model]}`
  return buckets.left({ account, region, modelId }, time.now()) >= ask.inputTokens + ask.maxTokens
}

/** Until the first token, and until the last. What is not in the cache has to be read. */
function duration({ model, inputTokens, outputTokens }: Ask, read: number) {
  const [start, speed] = model === 'main' ? [900, 70] : [400, 160]
  const first = start + (inputTokens - read) / 12 + read / 300
  return { first, whole: first + (outputTokens / speed) * 1_000 }
}

/** Of one place: the beginnings that were lately seen there, and how long they were. */
function promptCache(time: VirtualTime) {
  const kept = new Map<string, { tokens: number; until: number }>()
  const peekAt = (name: string) => {
    const found = kept.get(name)
    return found && found.until > time.now() ? found.tokens : 0
  }
  const namesOf = (modelId: string, { thread, opening }: Ask) => [
    `${modelId}|${thread}`,
    `${modelId}|${opening}|`,
  ]
  function peek(modelId: string, ask: Ask): number {
    const [thread = '', opening = ''] = namesOf(modelId, ask)
    return Math.min(ask.cachedTokens, Math.max(peekAt(thread), peekAt(opening)))
  }
  function write(modelId: string, ask: Ask) {
    const [thread = '', opening = ''] = namesOf(modelId, ask)
    const until = time.now() + CACHE_LIVES
    kept.set(thread, { tokens: ask.cachedTokens, until })
    if (ask.openingTokens > 0) kept.set(opening, { tokens: ask.openingTokens, until })
  }
  return { read: peek, peek, write }
}

const CONTENT = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'As was asked.' } },
].map((event) => chunkFrame(JSON.stringify(event)))
const STOP = [{ type: 'content_block_stop', index: 0 }].map((event) => chunkFrame(JSON.stringify(event)))
const LAST = chunkFrame(JSON.stringify({ type: 'message_stop' }))

interface Told {
  usage: Record<string, number>
  output: number
  /** From the first token to the last. */
  rest: number
  over(): void
  signal: Halting | undefined
}

function stream(time: VirtualTime, { usage, output, rest, over, signal }: Told): Answer {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [],
    stop_reason: null,
  }
  const start = { type: 'message_start', message: { ...message, usage: { ...usage, output_tokens: 1 } } }
  const delta = {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn' },
    usage: { output_tokens: output },
  }
  const pieces = [
    async () => Buffer.concat([chunkFrame(JSON.stringify(start)), ...CONTENT]),
    async () => {
      await time.rest(rest, signal)
      over()
      if (signal?.aborted) throw new DOMException('The call was given up.', 'AbortError')
      return Buffer.concat([...STOP, chunkFrame(JSON.stringify(delta)), LAST])
    },
  ]
  const read = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    time.stir()
    const next = pieces.shift()
    if (!next) return { done: true, value: undefined }
    return { done: false, value: new Uint8Array(await next()) }
  }
  const headers: Record<string, string> = {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-bedrock-content-type': 'application/json',
  }
  return {
    ok: true,
    status: 200,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    body: { getReader: () => ({ read }), cancel: async () => over() },
    text: () => Promise.reject(new Error('a stream')),
    arrayBuffer: () => Promise.reject(new Error('a stream')),
  }
}

function throttling(): Answer {
  return new Response(JSON.stringify({ message: 'Too many tokens, please wait before trying again.' }), {
    status: 429,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/',
    },
  })
}
