/** What a stream's events add up to: usage, the reason it stopped, whether it came to its end. */
import { type ErrorType, GatewayError } from '../errors.ts'
import { NO_USAGE, type StreamEvent, type Usage, usageFrom, type WireUsage } from '../protocol/messages.ts'

export interface Tally {
  /** `final` once `message_delta` has said it, `partial` before that, `estimated` where nothing was said. */
  source: 'final' | 'partial' | 'estimated'
  usage: Usage
  /** Web searches that were answered. */
  searches: number
  stopReason: string | undefined
  /** The service tier that it is charged in; empty is the standard one. */
  tier: string
}

export interface Tallier {
  /** @throws GatewayError when an event is the upstream's word that it failed. */
  see(events: readonly StreamEvent[]): void
  tally(): Tally
  /** The stream said `message_stop`. */
  isComplete(): boolean
}

/** What stands around the text of a delta, and how few bytes of text a token is: a broken stream costs no less. */
const DELTA_FRAME = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}'.length
const BYTES_PER_TOKEN = 3

/** Watches one stream. Only three kinds of event are parsed; the many deltas are weighed by their length. */
export function tallier(): Tallier {
  let usage: Usage | undefined
  let final = false
  let stopReason: string | undefined
  let complete = false
  let streamed = 0
  let searches = 0
  let tier = ''

  function seeOne({ type, data }: StreamEvent) {
    if (type === 'content_block_delta') {
      streamed += Math.max(1, (data.length - DELTA_FRAME) / BYTES_PER_TOKEN)
    } else if (type === 'message_start') {
      const said = read<{ message?: { usage?: WireUsage } }>(data).message?.usage ?? {}
      usage = usageFrom(said)
      tier = tierOf(said, tier)
    } else if (type === 'message_delta') {
      const delta = read<{ usage?: WireUsage; delta?: { stop_reason?: string } }>(data)
      usage = usageFrom(delta.usage ?? {}, usage)
      tier = tierOf(delta.usage, tier)
      searches = delta.usage?.server_tool_use?.web_search_requests ?? searches
      stopReason = delta.delta?.stop_reason ?? stopReason
      final ||= delta.usage !== undefined
    } else if (type === 'message_stop') {
      complete = true
    } else if (type === 'error') {
      throw upstreamError(data)
    }
  }

  return {
    see: (events) => events.forEach(seeOne),
    isComplete: () => complete,
    tally() {
      if (usage && final) return { source: 'final', usage, searches, stopReason, tier }
      const output = Math.max(usage?.output ?? 0, Math.ceil(streamed))
      return {
        source: usage ? 'partial' : 'estimated',
        usage: { ...(usage ?? NO_USAGE), output },
        searches,
        stopReason,
        tier,
      }
    },
  }
}

const STANDARD: ReadonlySet<unknown> = new Set(['standard', 'default', '', null, undefined])
const LONGEST_TIER = 40

/** A faster answer has a price of its own as well. */
function tierOf({ service_tier: tier, speed }: WireUsage = {}, before: string): string {
  const said = [tier, speed].find((each) => typeof each === 'string' && !STANDARD.has(each))
  return said?.slice(0, LONGEST_TIER) ?? before
}

const decoder = new TextDecoder()

/** Every field is optional to the reader: what upstream leaves out or puts wrongly must not break the stream. */
function read<T extends object>(data: Uint8Array): Partial<T> {
  try {
    const value: unknown = JSON.parse(decoder.decode(data))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function upstreamError(data: Uint8Array): GatewayError {
  const { error } = read<{ error?: { type?: string; message?: string } }>(data)
  const type: ErrorType =
    error?.type === 'overloaded_error' || error?.type === 'rate_limit_error' ? error.type : 'api_error'
  return new GatewayError(type, error?.message ?? 'The upstream broke off its answer.')
}
