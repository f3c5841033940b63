/** One question that is no call, and its answer: bounded in time and in size. */
import type { Bytes } from '../protocol/bytes.ts'
import { readCapped } from '../protocol/capped.ts'
import { codeOf } from '../protocol/codes.ts'
import { within } from '../protocol/deadline.ts'
import type { Answer } from '../protocol/send.ts'
import type { Lent } from './provider.ts'

export interface Sent {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body?: Bytes
}

export interface Answered extends Pick<Answer, 'ok' | 'status' | 'headers'> {
  text: string
}

/** Milliseconds. */
const PATIENCE = 10_000
const MOST_BYTES = 8_000_000

/** @throws Error where there is no answer in time, or too much of it. */
export function answerTo({ url, ...sent }: Sent, lent: Pick<Lent, 'fetch'>): Promise<Answered> {
  const late = () => new Error(`no answer in ${PATIENCE / 1_000} s`)
  return within({ timeout: PATIENCE, signal: undefined, late, left: late }, async (signal) => {
    const answer = await lent.fetch(url, { ...sent, signal, redirect: 'manual' }).catch(unreachable)
    const { ok, status, headers } = answer
    return { ok, status, headers, text: await textOf(answer) }
  })
}

async function textOf({ body }: Answer): Promise<string> {
  if (!body) return ''
  const tooLarge = () => new Error(`an answer of more than ${MOST_BYTES} bytes`)
  return new TextDecoder().decode(await readCapped(body, MOST_BYTES, tooLarge))
}

function unreachable(cause: unknown): never {
  throw new Error(`no connection${codeOf(cause) ? ` (${codeOf(cause)})` : ''}`, { cause })
}
