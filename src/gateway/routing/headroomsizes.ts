/**
 * How many tokens to expect of a call, from its length and what a byte of its session's calls has lately come to. Unlike
 * the habits that token limits go by this is the process's, of every key, and is asked without a promise.
 */
import type { Usage } from '../../protocol/messages.ts'
import type { Expected } from './burndown.ts'

export interface Sizes {
  expect(session: string | undefined, length: number, maxTokens: number): Expected
  learn(session: string | undefined, length: number, usage: Usage): void
}

interface Size {
  bytes: number
  input: number
  cacheRead: number
  output: number
  calls: number
}

/** Before anything is known: JSON of English and code. */
const FIRST: Size = { bytes: 3.5, input: 1, cacheRead: 0, output: 1_000, calls: 1 }
const FADING = 0.7
const MOST_SESSIONS = 5_000

export function newSizes(): Sizes {
  const sessions = new Map<string, Size>()
  let overall = FIRST

  const sizeOf = (session: string | undefined) =>
    (session === undefined ? undefined : sessions.get(session)) ?? overall

  return {
    expect(session, length, maxTokens) {
      const { bytes, input, cacheRead, output, calls } = sizeOf(session)
      const share = length / bytes
      return {
        input: Math.ceil(input * share),
        cacheRead: Math.floor(cacheRead * share),
        output: Math.min(maxTokens, Math.ceil(output / calls)),
        maxTokens,
        background: false,
      }
    },
    learn(session, length, usage) {
      const input = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h
      if (input === 0 || length === 0) return
      const seen = { bytes: length, input, cacheRead: usage.cacheRead, output: usage.output, calls: 1 }
      overall = faded(overall, seen)
      if (session === undefined) return
      const known = sessions.get(session)
      sessions.delete(session)
      sessions.set(session, known ? faded(known, seen) : seen)
      const [oldest] = sessions.keys()
      if (sessions.size > MOST_SESSIONS && oldest !== undefined) sessions.delete(oldest)
    },
  }
}

function faded(before: Size, seen: Size): Size {
  return {
    bytes: before.bytes * FADING + seen.bytes,
    input: before.input * FADING + seen.input,
    cacheRead: before.cacheRead * FADING + seen.cacheRead,
    output: before.output * FADING + seen.output,
    calls: before.calls * FADING + seen.calls,
  }
}
