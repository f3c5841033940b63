/** Server tools between a fake Bedrock, an engine and a web made by hand, told the way a client hears it. */

import { keptCredentials } from '../../src/aws.ts'
import type { EgressLent } from '../../src/egress.ts'
import { dispatch } from '../../src/gateway/dispatch.ts'
import { meter } from '../../src/gateway/meter.ts'
import { route } from '../../src/gateway/route.ts'
import { type Chosen, withServerTools } from '../../src/gateway/servertools.ts'
import { messagesVoice } from '../../src/gateway/voice.ts'
import type { WireUsage } from '../../src/protocol/messages.ts'
import { sendBy } from '../../src/protocol/send.ts'
import type { Lent, SearchQuery, SearchResult } from '../../src/search/engine.ts'
import type { FakeBedrock } from '../fakes/bedrock.ts'
import { parse, type Thing, text, thing } from '../fakes/json.ts'
import { callOf } from '../providers/call.ts'
import { ANYONE, type TestRuntime, testRuntime } from '../runtime.ts'

export const TOOL = { type: 'web_search_20250305', name: 'web_search', max_uses: 8 }
export const MODEL = 'claude-opus-4-6'

export const PAGES: SearchResult[] = [
  {
    url: 'https://marmots.test/alps',
    title: 'Alpine marmots',
    snippet: 'They whistle.',
    pageAge: '2 days ago',
  },
  { url: 'https://docs.rocks.test/a?b=1', title: 'Rocks & "stones"', snippet: 'They do not.' },
]

/** An engine that answers as it is told, and remembers what it was asked. */
export function engineThat(
  search: (query: SearchQuery, lent: Lent) => Promise<SearchResult[]> = async () => PAGES,
): Chosen & { asked: SearchQuery[] } {
  const asked: SearchQuery[] = []
  return {
    asked,
    settings: {},
    engine: {
      kind: 'fake',
      label: 'Fake',
      fields: [],
      longestQuery: 100,
      search(query, _settings, lent) {
        asked.push(query)
        return search(query, lent)
      },
    },
  }
}

export function said(words: unknown, more: Thing = {}): Thing {
  return {
    model: MODEL,
    max_tokens: 4_000,
    messages: [{ role: 'user', content: words }],
    tools: [TOOL],
    ...more,
  }
}

export interface Heard {
  /** The events in order, each with when it came. */
  events: (Thing & { at: number })[]
  /** The message that the events, or the answer in one piece, add up to. */
  message: Thing
  content: Thing[]
  usage: Thing
  spent: WireUsage[]
  runtime: TestRuntime
}

interface Way {
  chosen?: Chosen | undefined
  /** The web that pages are fetched from; without it fetching is switched off. */
  web?: EgressLent
  bodyBytes?: number
  stream?: boolean
  signal?: AbortSignal
  secretKeys?: readonly string[]
  /** Called with every event; true hangs up. */
  onEvent?: (event: Thing) => boolean | Promise<boolean>
}

/** One request, answered to its end. */
export function ask(bedrock: FakeBedrock, body: Thing, way: Way = {}): Promise<Heard> {
  return askRaw(bedrock, JSON.stringify({ ...body, stream: way.stream ?? true }), way)
}

/** One request, byte for byte. */
export async function askRaw(bedrock: FakeBedrock, body: string, way: Way = {}): Promise<Heard> {
  const { secretKeys } = way
  const chosen = 'chosen' in way ? way.chosen : engineThat()
  const credentials = keptCredentials(async () => ({ ...bedrock.credentials }), Date.now)
  const env = { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url }
  const runtime = testRuntime({ fetch: sendBy(fetch), now: Date.now, credentials, env })
  const call = await callOf(body, way.signal ? { signal: way.signal } : {})
  const choice = await route(runtime, ANYONE, call)
  const spent: WireUsage[] = []
  const reply = await withServerTools(
    call,
    (each) => dispatch(runtime, choice, each, { sent() {}, step() {} }),
    {
      ...runtime,
      secretKeys: secretKeys ?? runtime.config.secretKeys,
      engine: async () => chosen,
      pages: way.web && { egress: way.web, now: runtime.now, bodyBytes: way.bodyBytes ?? 25_000_000 },
      spent: (usage) => void spent.push(usage),
    },
  )
  const metered = meter(reply, call, messagesVoice(call), { now: Date.now, limits: runtime.config.limits })
  const answer = await metered.body
  const more = { spent, runtime }
  if (answer instanceof Uint8Array) return { ...whole(new TextDecoder().decode(answer)), ...more }
  return { ...(await streamed(answer, way.onEvent)), ...more }
}

function whole(json: string) {
  const message = thing(JSON.parse(json))
  const content = message['content'] as Thing[]
  return { events: [], message, content, usage: thing(message['usage']) }
}

async function streamed(body: ReadableStream<Uint8Array>, onEvent: Way['onEvent']) {
  const events: (Thing & { at: number })[] = []
  const decoder = new TextDecoder()
  let left = ''
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    left += decoder.decode(chunk, { stream: true })
    const frames = left.split('\n\n')
    left = frames.pop() ?? ''
    for (const frame of frames) {
      const event = { ...thing(JSON.parse(frame.slice(frame.indexOf('data: ') + 6))), at: performance.now() }
      events.push(event)
      if (await onEvent?.(event)) return assembled(events) // leaving the loop cancels the stream
    }
  }
  return assembled(events)
}

/** As the official SDK puts a message together. */
function assembled(events: (Thing & { at: number })[]) {
  let message: Record<string, unknown> = {}
  const content: Record<string, unknown>[] = []
  const inputs: string[] = []
  for (const event of events) {
    const index = Number(event['index'])
    if (event['type'] === 'message_start') message = { ...thing(event['message']) }
    if (event['type'] === 'content_block_start') {
      if (index !== content.length) throw new Error(`block ${index} follows ${content.length} blocks`)
      content.push({ ...thing(event['content_block']) })
    }
    if (event['type'] === 'content_block_delta')
      apply(content[index] ?? {}, thing(event['delta']), inputs, index)
    if (event['type'] === 'content_block_stop' && inputs[index]) {
      Object.assign(content[index] ?? {}, { input: parse(inputs[index]) ?? {} })
    }
    if (event['type'] === 'message_delta') {
      Object.assign(message, thing(event['delta']))
      message['usage'] = { ...thing(message['usage']), ...thing(event['usage']) }
    }
  }
  return { events, message, content: content as Thing[], usage: thing(message['usage']) }
}

function apply(block: Record<string, unknown>, delta: Thing, inputs: string[], index: number) {
  for (const key of ['text', 'thinking', 'signature']) {
    if (delta[key] !== undefined) block[key] = `${text(block[key])}${text(delta[key])}`
  }
  if (delta['partial_json'] !== undefined) inputs[index] = (inputs[index] ?? '') + text(delta['partial_json'])
  if (delta['citation'] !== undefined)
    block['citations'] = [...((block['citations'] as unknown[] | undefined) ?? []), delta['citation']]
}

/** What Bedrock refused without being told to. */
export function refusals(bedrock: FakeBedrock): string[] {
  return bedrock.seen.flatMap(({ outcome, scripted, refusal }) =>
    outcome === 'refused' && !scripted ? [refusal?.message ?? ''] : [],
  )
}

export const types = (events: readonly Thing[]) => events.map(({ type }) => text(type))
