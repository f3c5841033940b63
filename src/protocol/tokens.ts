/**
 * How many tokens a request is, where nobody can be asked. Errs upwards: a client that believes it has room left
 * where it has none cannot compact any more.
 */
import type { Value } from './json.ts'
import { mayHold } from './jsonnotes.ts'
import type { Generation } from './models.ts'

/** Words, capitals, pairs of digits, indents, line ends, and single characters: roughly what a tokenizer makes. */
const PIECES = /[A-Z]?[a-z]{1,20}|[A-Z]{1,20}|\d{1,2}|[ \t]{2,40}|[\r\n]{1,20}|[^\p{ASCII}]|[^\sA-Za-z\d]/gu

/** Beyond what pieces suggest, so that the estimate errs upwards; and what 4.7 and later make of the same text. */
const MARGIN = 1.15
const NEW_TOKENIZER = 1.3

/** An image costs at most this; a page of a PDF, text and picture together, about twice that. */
const IMAGE = 1_600
const PAGE = 3_000
/** A short page of a PDF, in base64 characters. */
const PAGE_LENGTH = 20_000

/** Estimated input tokens of a parsed Messages body. */
export function estimateTokens(body: unknown, generation: Generation): number {
  const { pieces, tokens } = weigh(body)
  return Math.ceil(pieces * MARGIN * (generation >= 4.7 ? NEW_TOKENIZER : 1)) + tokens
}

/** Bytes of JSON that are a token at the least, in whatever language. */
const BYTES = 3

/** The same without reading the text: from the length of a body and where its media stand in it. Rough, and at once. */
export function roughTokens(outline: Value): number {
  let bytes = outline.end - outline.start
  let media = 0
  const open = [outline]
  for (let value = open.pop(); value; value = open.pop()) {
    const length = value.end - value.start
    if (value.key === 'data' && length > MEDIA_LENGTH) {
      bytes -= length
      media++
    }
    if (!mayHold(value, 'data')) continue
    for (const inner of value.members ?? value.elements ?? []) open.push(inner)
  }
  return Math.ceil(bytes / BYTES) + media * IMAGE
}

/** What is longer, and called data, is an image or a document in base64. */
const MEDIA_LENGTH = 1_000

interface Weight {
  pieces: number
  tokens: number
}

/** Iterative: a body may nest deeper than the stack. */
function weigh(root: unknown): Weight {
  const total = { pieces: 0, tokens: 0 }
  const open = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) {
      total.pieces += piecesOf(String(value))
      continue
    }
    const media = mediaTokens(value)
    total.tokens += media ?? 1
    if (media !== undefined) continue
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) total.pieces += piecesOf(key) + 1
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

function piecesOf(text: string): number {
  let count = 0
  for (const [piece] of text.matchAll(PIECES)) count += weightOf(piece)
  return count
}

/** How many tokens a piece tends to be, measured against a tokenizer of Anthropic's: see the test. */
function weightOf(piece: string): number {
  const code = piece.codePointAt(0) ?? 0
  if (code > 0xffff) return 3 // emoji
  if (code >= 0x2e80) return 1.2 // Chinese, Japanese, Korean
  if (code >= 0x2000) return 3 // symbols
  if (code >= 0x80) return code < 0x250 ? 1.5 : 0.9 // accented Latin; Greek, Cyrillic and their like
  return Math.ceil(piece.length / 5) // a long word is several tokens, and so is a deep indent
}

/** As much of a text as is so many tokens, by the same estimate. */
export function textOfTokens(text: string, tokens: number): string {
  let count = 0
  for (const { 0: piece, index } of text.matchAll(PIECES)) {
    count += weightOf(piece) * MARGIN * NEW_TOKENIZER
    if (count > tokens) return text.slice(0, index)
  }
  return text
}
