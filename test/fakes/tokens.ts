/**
 * A token count that is always the same for the same words. Not the real tokenizer: about four characters a token.
 */
import { blocks, isThing, type Thing, text, things } from './json.ts'

const IMAGE = 1_500
const PER_MESSAGE = 4

/** Every block that may carry a cache breakpoint, in the order the cache reads them. */
export function readingOrder(body: Thing): Thing[] {
  const out: Thing[] = [...things(body['tools']), ...blocks(body['system'])]
  for (const message of things(body['messages'])) {
    for (const block of blocks(message['content'])) {
      if (block['type'] === 'tool_result') out.push(...blocks(block['content']))
      out.push(block)
    }
  }
  return out
}

export function weigh(body: Thing): number {
  const sum = readingOrder(body).reduce((total, block) => total + weighBlock(block), 0)
  return sum + PER_MESSAGE * things(body['messages']).length
}

export function weighBlock(block: Thing): number {
  if (block['type'] === 'image') return IMAGE
  return Math.ceil(characters(block) / 4)
}

export function tokensIn(words: string): number {
  return Math.ceil(words.length / 4)
}

const UNCOUNTED = new Set(['type', 'cache_control', 'signature', 'id', 'tool_use_id', 'media_type'])

function characters(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (Array.isArray(value)) return value.reduce((total: number, item) => total + characters(item), 0)
  if (!isThing(value)) return String(value).length
  let total = 0
  for (const [key, inner] of Object.entries(value)) {
    const counted = !UNCOUNTED.has(key) && !(value['type'] === 'tool_result' && key === 'content')
    if (counted) total += key.length + characters(inner)
  }
  return text(value['type']) === 'document' ? Math.ceil(total / 10) : total
}
