/**
 * Rules about the conversation as a whole: who answers whom, whose thinking is whose, how it must end.
 */
import { blocks, list, type Thing, text, things } from './json.ts'
import type { Ask } from './rules.ts'
import { redactionFits, sealFits } from './seal.ts'

interface Turn {
  role: string
  blocks: Thing[]
  /** The message each block came from and its place there. */
  places: string[]
}

/** Neighbours of one role count as one turn. */
function turnsOf(messages: readonly Thing[]): Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    const role = text(message['role'])
    let turn = turns.at(-1)
    if (turn?.role !== role) {
      turn = { role, blocks: [], places: [] }
      turns.push(turn)
    }
    for (const [at, block] of blocks(message['content']).entries()) {
      turn.blocks.push(block)
      turn.places.push(`messages.${index}.content.${at}`)
    }
  }
  return turns
}

export function emptyMessages({ body }: Ask): string | undefined {
  const messages = things(body['messages'])
  for (const [index, message] of messages.entries()) {
    const content = message['content']
    const isFinalAnswer = index === messages.length - 1 && message['role'] === 'assistant'
    if (!isFinalAnswer && (content === '' || (Array.isArray(content) && content.length === 0))) {
      const role = message['role'] === 'user' ? 'user messages must' : 'all messages must'
      const rest = role === 'all messages must' ? ' except for the optional final assistant message' : ''
      return `messages.${index}: ${role} have non-empty content${rest}`
    }
    const hollow =
      list(content).length > 0 &&
      things(content).find((block) => block['type'] === 'text' && block['text'] === '')
    if (hollow) {
      return hollow['cache_control']
        ? `messages.${index}.content.${list(content).indexOf(hollow)}.text: cache_control cannot be set for empty text blocks`
        : 'messages: text content blocks must be non-empty'
    }
  }
  return undefined
}

function idsOf(turn: Turn | undefined, type: string, key: string): string[] {
  return (turn?.blocks ?? []).filter((block) => block['type'] === type).map((block) => text(block[key]))
}

/** Every tool_use is answered at the start of the very next turn, and nothing else is. */
export function pairing({ body }: Ask): string | undefined {
  const turns = turnsOf(things(body['messages']))
  const seen = new Set<string>()
  for (const [index, turn] of turns.entries()) {
    const orphan = orphanOf(turn, idsOf(turns[index - 1], 'tool_use', 'id'))
    if (orphan !== undefined) return orphan
    const ids = turn.role === 'assistant' ? idsOf(turn, 'tool_use', 'id') : []
    const repeated = ids.find((id) => seen.has(id) || ids.indexOf(id) !== ids.lastIndexOf(id))
    if (repeated !== undefined) return 'messages: `tool_use` ids must be unique'
    for (const id of ids) seen.add(id)
    const next = turns[index + 1]
    const answered = leadingResults(next)
    const open = ids.filter((id) => !answered.includes(id))
    if (open.length > 0) {
      const place = turn.places.at(-1)?.replace(/\.content.*/, '')
      return (
        `${place}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. ` +
        'Each `tool_use` block must have a corresponding `tool_result` block in the next message.'
      )
    }
  }
  return undefined
}

function leadingResults(turn: Turn | undefined): string[] {
  const all = turn?.role === 'user' ? turn.blocks : []
  const end = all.findIndex((block) => block['type'] !== 'tool_result')
  return all.slice(0, end < 0 ? all.length : end).map((block) => text(block['tool_use_id']))
}

function orphanOf(turn: Turn, asked: readonly string[]): string | undefined {
  const answered = new Set<string>()
  for (const [at, block] of turn.blocks.entries()) {
    if (block['type'] !== 'tool_result') continue
    const id = text(block['tool_use_id'])
    if (!asked.includes(id)) {
      return (
        `${turn.places[at]}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` ` +
        'block must have a corresponding `tool_use` block in the previous message.'
      )
    }
    if (answered.has(id)) {
      return `${turn.places[at]}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`
    }
    answered.add(id)
  }
  return undefined
}

export function seals({ body }: Ask): string | undefined {
  for (const [index, message] of things(body['messages']).entries()) {
    for (const [at, block] of blocks(message['content']).entries()) {
      const place = `messages.${index}.content.${at}`
      if (block['type'] === 'thinking' && !sealFits(text(block['thinking']), text(block['signature']))) {
        return `${place}: Invalid \`signature\` in \`thinking\` block`
      }
      if (block['type'] === 'redacted_thinking' && !redactionFits(text(block['data']))) {
        return `${place}: Invalid \`data\` in \`redacted_thinking\` block`
      }
    }
  }
  return undefined
}

export function prefill({ body, model }: Ask): string | undefined {
  const last = things(body['messages']).at(-1)
  if (model.prefill || last?.['role'] !== 'assistant') return undefined
  return 'This model does not support assistant message prefill. The conversation must end with a user message.'
}

const MAGIC: Readonly<Record<string, RegExp>> = {
  'image/jpeg': /^ffd8ff/,
  'image/png': /^89504e470d0a1a0a/,
  'image/gif': /^474946383[79]61/,
  'image/webp': /^52494646.{8}57454250/,
}

export function images({ body }: Ask): string | undefined {
  for (const [index, message] of things(body['messages']).entries()) {
    for (const [at, block] of blocks(message['content']).entries()) {
      const inner = block['type'] === 'tool_result' ? blocks(block['content']) : [block]
      const bad = inner.find((each) => each['type'] === 'image' && !looksRight(each['source'] as Thing))
      if (bad) return `messages.${index}.content.${at}.image.source.base64.data: Could not process image`
    }
  }
  return undefined
}

function looksRight(source: Thing): boolean {
  const start = Buffer.from(text(source['data']).slice(0, 32), 'base64').toString('hex')
  return MAGIC[text(source['media_type'])]?.test(start) ?? false
}
