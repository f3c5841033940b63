/**
 * The Messages API as far as the gateway reads it. Everything it does not read passes through unseen.
 * https://docs.claude.com/en/api/messages
 */
import type { Bytes } from './bytes.ts'
import type { Shape, Value } from './json.ts'

/** One Messages request, in canonical form: the client's own bytes and the few things read from them. */
export interface Call {
  /** `req_…`: in the header, the body and every log line of the answer, and the name of its ledger row. */
  id: string
  /** The body as it arrived, and where its parts stand in it. */
  body: Bytes
  outline: Value
  /** The model as the client named it. */
  model: string
  stream: boolean
  /** From the `anthropic-beta` header and the body's `anthropic_beta`, each once. */
  betas: readonly string[]
  /** Aborts when the client has gone. Not to be trusted after the answer has started: see `meter`. */
  signal: AbortSignal
  /** Claude Code's own ids, for attribution. */
  session: string | undefined
  agent: string | undefined
  parentAgent: string | undefined
  /** When the request arrived, in milliseconds since 1970. */
  startedAt: number
}

/** One event of a Messages stream: its type, and its JSON on one line. */
export interface StreamEvent {
  type: string
  data: Bytes
}

/** Tokens in five disjoint buckets, each billed at its own rate. */
export interface Usage {
  input: number
  cacheRead: number
  cacheWrite5m: number
  cacheWrite1h: number
  output: number
}

/** `usage` as the API words it. `message_delta` repeats it, cumulative. */
export interface WireUsage {
  input_tokens?: number | null
  output_tokens?: number | null
  cache_read_input_tokens?: number | null
  cache_creation_input_tokens?: number | null
  cache_creation?: { ephemeral_5m_input_tokens?: number; ephemeral_1h_input_tokens?: number } | null
}

/**
 * What an API answer says of its tokens, laid over what an earlier event of the same stream said. Cache writes that
 * the breakdown does not account for are five-minute writes.
 */
export function usageFrom(wire: WireUsage, before?: Usage): Usage {
  const written = wire.cache_creation_input_tokens ?? undefined
  const breakdown = wire.cache_creation ?? undefined
  const hour = breakdown?.ephemeral_1h_input_tokens ?? (written === undefined ? before?.cacheWrite1h : 0) ?? 0
  const five = breakdown?.ephemeral_5m_input_tokens ?? 0
  const knownWrites = written !== undefined || breakdown !== undefined
  return {
    input: wire.input_tokens ?? before?.input ?? 0,
    cacheRead: wire.cache_read_input_tokens ?? before?.cacheRead ?? 0,
    cacheWrite1h: hour,
    cacheWrite5m: knownWrites ? Math.max(five, (written ?? 0) - hour) : (before?.cacheWrite5m ?? 0),
    output: wire.output_tokens ?? before?.output ?? 0,
  }
}

interface BlockShape {
  readonly [key: string]: Shape
}

const cacheControl: Shape = {}

/** A content block; the ones inside a tool result are blocks again. */
const block: BlockShape = { type: true, text: true, cache_control: cacheControl, content: blocks() }

/** Where the gateway looks in a request body. */
export const requestShape = {
  model: true,
  stream: true,
  max_tokens: true,
  anthropic_beta: true,
  system: [block],
  messages: [{ role: true, content: [block] }],
  tools: [{ cache_control: cacheControl }],
  thinking: { type: true, display: true },
  context_management: { edits: [{ type: true }] },
  metadata: { user_id: true },
} satisfies Shape

function blocks(): Shape {
  return [{ type: true, cache_control: cacheControl, content: [{ type: true, cache_control: cacheControl }] }]
}
