/**
 * The Messages API as far as the gateway reads it. Everything it does not read passes through unseen.
 * https://docs.claude.com/en/api/messages
 */
import type { Bytes } from './bytes.ts'
import type { Halting } from './halt.ts'
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
  signal: Halting
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
  server_tool_use?: { web_search_requests?: number } | null
  /** Which tier the upstream served it in, and at which speed. */
  service_tier?: string | null
  speed?: string | null
  cache_creation?: { ephemeral_5m_input_tokens?: number; ephemeral_1h_input_tokens?: number } | null
}

/**
 * What an API answer says of its tokens, laid over what an earlier event of the same stream said. Cache writes that
 * the breakdown does not account for are five-minute writes.
 */
export function usageFrom(wire: WireUsage, before: Usage = NO_USAGE): Usage {
  const breakdown = wire.cache_creation ?? {
    ephemeral_5m_input_tokens: before.cacheWrite5m,
    ephemeral_1h_input_tokens: before.cacheWrite1h,
  }
  const { ephemeral_5m_input_tokens: five = 0, ephemeral_1h_input_tokens: hour = 0 } = breakdown
  return {
    input: wire.input_tokens ?? before.input,
    cacheRead: wire.cache_read_input_tokens ?? before.cacheRead,
    cacheWrite5m: Math.max(five, (wire.cache_creation_input_tokens ?? 0) - hour),
    cacheWrite1h: hour,
    output: wire.output_tokens ?? before.output,
  }
}

export const NO_USAGE: Usage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0 }

const cacheControl: Shape = {}

const source: Shape = { content: [{ type: true, source: {} }] }

/** A content block, and the blocks inside it where it is a tool result. */
const inner: Shape = { type: true, cache_control: cacheControl, source }
const block: Shape = {
  type: true,
  text: true,
  cache_control: cacheControl,
  source,
  content: [{ ...inner, content: [inner] }],
}

/** Where the gateway looks in a request body. */
export const requestShape: Shape = {
  cache_control: {},
  context_management: { edits: [{}] },
  messages: [{ content: [block] }],
  metadata: {},
  output_config: {},
  system: [block],
  thinking: { block_binding: {} },
  tool_choice: {},
  tools: [{ cache_control: cacheControl }],
}
