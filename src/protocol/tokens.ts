/**
 * How many tokens a request is, where nobody can be asked. Errs upwards: a client that believes it has room left
 * where it has none cannot compact any more.
 */
import type { Generation } from './models.ts'

/** Bytes of UTF-8 a token, for text that is mostly code; the tokenizer of 4.7 and later makes some 30 % more of it. */
const PER_TOKEN = 2.8
const NEW_TOKENIZER = 1.3

const encoder = new TextEncoder()

/** An image costs at most this; a page of a PDF, text and picture together, about twice that. */
const IMAGE = 1_600
const PAGE = 3_000
/** A short page of a PDF, in base64 characters. */
const PAGE_LENGTH = 20_000

/** Estimated input tokens of a parsed Messages body. */
export function estimateTokens(body: unknown, generation: Generation): number {
  const { bytes, tokens } = weigh(body)
  return Math.ceil((bytes / PER_TOKEN) * (generation >= 4.7 ? NEW_TOKENIZER : 1)) + tokens
}

interface Weight {
  bytes: number
  tokens: number
}

/** Iterative: a body may nest deeper than the stack. */
function weigh(root: unknown): Weight {
  const total = { bytes: 0, tokens: 0 }
  const open = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) {
      total.bytes += encoder.encode(String(value)).length
      continue
    }
    const media = mediaTokens(value)
    total.tokens += media ?? 1
    if (media !== undefined) continue
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) total.bytes += key.length + 1
      open.push(inner)
    }
  }
  return total
}

/** The tokens of an image or document source, instead of those of its base64. */
function mediaTokens(value: object): number | undefined {
  if (!('type' in value) || value.type !== 'base64' || !('data' in value)) return undefined
  const isDocument = 'media_type' in value && value.media_type === 'application/pdf'
  return isDocument ? PAGE * Math.ceil(String(value.data).length / PAGE_LENGTH) : IMAGE
}

/** As much of a text as is some number of tokens, by estimate. */
export function textOfTokens(text: string, tokens: number): string {
  const room = Math.floor(tokens * PER_TOKEN)
  const { read } = encoder.encodeInto(text, new Uint8Array(Math.min(room, text.length * 3)))
  return text.slice(0, read)
}
