/**
 * A plan made into what Claude sends: the stream of events, and the one JSON message that says the same.
 */
import type { InputUsage } from './cache.ts'
import { type Thing, thing } from './json.ts'
import type { Plan, PlanBlock } from './plan.ts'
import { redact, seal } from './seal.ts'
import { tokensIn } from './tokens.ts'

export interface Speech {
  /** Each event's own JSON text. */
  events: string[]
  message: string
  usage: Thing
}

export interface Setting {
  api: string
  body: Thing
  input: InputUsage
  /** A fresh number for ids. */
  next(): number
}

interface Block {
  start: Thing
  deltas: Thing[]
  /** The whole block as JSON text, so that a tool's input keeps its digits. */
  whole: string
  tokens: number
}

export function speak(plan: Plan, setting: Setting): Speech {
  const id = `msg_bdrk_01${String(setting.next()).padStart(22, '0')}`
  const made = plan.content.map((block) => blockOf(block, setting, id))
  const output = made.reduce((total, block) => total + block.tokens, 0)
  const usage: Thing = { ...setting.input, output_tokens: Math.max(1, output), ...plan.usage }
  const calls = plan.content.some((block) => block.type === 'tool_use')
  const stop = {
    stop_reason: plan.stop_reason ?? (calls ? 'tool_use' : 'end_turn'),
    stop_sequence: plan.stop_sequence ?? null,
    ...verdicts(made, setting.body),
  }
  const head = { model: setting.api, id, type: 'message', role: 'assistant' }
  const start = {
    ...head,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...usage, output_tokens: 1 },
  }
  const events = [
    { type: 'message_start', message: start },
    ...made.flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: block.start },
      ...block.deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: stop, usage: cumulative(usage) },
    { type: 'message_stop', 'amazon-bedrock-invocationMetrics': metrics(usage) },
  ]
  const rest = JSON.stringify({ ...stop, usage }).slice(1)
  const content = made.map((block) => block.whole).join(',')
  const message = `${JSON.stringify(head).slice(0, -1)},"content":[${content}],${rest}`
  return { events: events.map((event) => JSON.stringify(event)), message, usage }
}

function blockOf(block: PlanBlock, setting: Setting, origin: string): Block {
  switch (block.type) {
    case 'text': {
      const deltas = pieces(block.text, block.deltas).map((words) => ({ type: 'text_delta', text: words }))
      return made({ type: 'text', text: '' }, deltas, { type: 'text', text: block.text }, block.text)
    }
    case 'thinking':
      return thinkingOf(block.thinking, thing(setting.body['thinking'])['display'] === 'omitted', origin)
    case 'redacted_thinking': {
      const whole = { type: 'redacted_thinking', data: redact(block.thinking) }
      return made(whole, [], whole, block.thinking)
    }
    case 'tool_use': {
      const id = block.id ?? `toolu_bdrk_01${String(setting.next()).padStart(20, '0')}`
      const input = typeof block.input === 'string' ? block.input : JSON.stringify(block.input)
      const deltas = ['', ...pieces(input)].map((json) => ({ type: 'input_json_delta', partial_json: json }))
      const start = { type: 'tool_use', id, name: block.name, input: {} }
      const whole = JSON.stringify(start).replace(/\{\}\}$/, () => `${input}}`)
      return { start, deltas, whole, tokens: tokensIn(block.name + input) + 1 }
    }
  }
}

function thinkingOf(thought: string, omitted: boolean, origin: string): Block {
  const shown = omitted ? '' : thought
  const signature = seal(shown, origin + thought)
  const deltas = [
    ...pieces(shown).map((words) => ({ type: 'thinking_delta', thinking: words })),
    { type: 'signature_delta', signature },
  ]
  const whole = { type: 'thinking', thinking: shown, signature }
  return made({ type: 'thinking', thinking: '', signature: '' }, deltas, whole, thought)
}

function made(start: Thing, deltas: Thing[], whole: Thing, words: string): Block {
  return { start, deltas, whole: JSON.stringify(whole), tokens: tokensIn(words) }
}

/** Words in `count` nearly equal pieces, or in pieces of a few words; never within a surrogate pair. */
function pieces(words: string, count?: number): string[] {
  if (count === undefined) return words.match(/[\s\S]{1,24}(?=\s|$)|[\s\S]{1,24}(?<![\ud800-\udbff])/g) ?? []
  const parts = words.split(/(?<= )/)
  if (parts.length === count) return parts
  const size = Math.max(1, Math.ceil(words.length / count))
  return Array.from({ length: Math.ceil(words.length / size) }, (_, at) =>
    words.slice(at * size, (at + 1) * size),
  )
}

/** Auto mode's question about each tool call, answered: nothing here is dangerous. */
function verdicts(made: readonly Block[], body: Thing): Thing {
  if (body['safeguards'] === undefined) return {}
  const uses = made.filter(({ start }) => start['type'] === 'tool_use')
  const judged = uses.map(
    ({ start }) => [String(start['id']), { type: 'evaluated', outcome: 'not_flagged' }] as const,
  )
  const status = { type: 'available', tool_uses: Object.fromEntries(judged) }
  return { safeguard_results: [{ type: 'dangerous_tool_use', status }] }
}

function cumulative(usage: Thing): Thing {
  const { cache_creation: _, ...rest } = usage
  return rest
}

export function metrics(usage: Thing): Record<string, unknown> {
  return {
    inputTokenCount: usage['input_tokens'],
    outputTokenCount: usage['output_tokens'],
    invocationLatency: 250,
    firstByteLatency: 100,
    cacheReadInputTokenCount: usage['cache_read_input_tokens'],
    cacheWriteInputTokenCount: usage['cache_creation_input_tokens'],
  }
}
