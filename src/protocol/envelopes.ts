/**
 * The Messages API as it is spoken over HTTP, on every wire but InvokeModel: what the body says beside the call, and the
 * headers that go with it. https://docs.claude.com/en/api/versioning
 */

import type { Bytes } from './bytes.ts'
import { upstreamOutline } from './events.ts'
import type { Envelope } from './fields/adapt.ts'
import { member, parse } from './json.ts'
import type { Call } from './messages.ts'

/** The version that every upstream takes; a later one takes less. */
const VERSION = '2023-06-01'

/**
 * The body asks for a stream, from this model where it is the body that says which. Where the client's own bytes say so
 * already, they stay as they are.
 */
export function streamEnvelope(call: Call, model?: string): Envelope {
  return saying(call, { ...(model === undefined ? {} : { model }), stream: true })
}

/** What has no bearing on a count, and is refused there. */
const NOT_COUNTED = [
  'max_tokens',
  'metadata',
  'service_tier',
  'stop_sequences',
  'stream',
  'temperature',
  'top_k',
  'top_p',
]

export function countEnvelope(call: Call, model: string): Envelope {
  const { drop, add } = saying(call, { model })
  return { drop: [...drop, ...NOT_COUNTED], add }
}

function saying({ body, outline: root }: Call, members: Readonly<Record<string, unknown>>): Envelope {
  const unsaid = Object.entries(members).filter(([key, value]) => {
    const said = member(root, key)
    return !said || parse<unknown>(body, said) !== value
  })
  return {
    // Versions and betas are said in headers here.
    drop: ['anthropic_version', 'anthropic_beta', ...unsaid.map(([key]) => key)],
    add: () => unsaid.map(([key, value]) => `"${key}":${JSON.stringify(value)}`),
  }
}

/** A header can carry these; a beta's name has no others. */
const PLAIN_NAME = /^[\w.-]+$/

export function messagesHeaders(betas: readonly string[]): Record<string, string> {
  const named = betas.filter((beta) => PLAIN_NAME.test(beta)).join(',')
  return {
    // What Anthropic's own SDKs say, streams included.
    accept: 'application/json',
    'content-type': 'application/json',
    'anthropic-version': VERSION,
    ...(named === '' ? {} : { 'anthropic-beta': named }),
  }
}

/** The figure that an answer to a question for tokens holds. */
export function countedIn(answer: Bytes, key = 'input_tokens'): number | undefined {
  const count = member(upstreamOutline(answer, {}), key)
  const tokens = count && parse<unknown>(answer, count)
  return typeof tokens === 'number' ? tokens : undefined
}
