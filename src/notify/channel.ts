/** The contract of a channel: a message goes out, or the reason why not. It is handed what it may use. */
import type { AwsService } from '../aws.ts'
import type { Bytes } from '../protocol/bytes.ts'
import type { Hashes } from '../protocol/hashes.ts'
import type { Answer, Send } from '../protocol/send.ts'
import type { Field, Settings } from '../protocol/settings.ts'

/** A notice, as it leaves the gateway. The same id comes again where it is not certain that it arrived. */
export interface Message {
  id: string
  kind: string
  severity: 'info' | 'warning' | 'critical'
  /** What it is about: of one subject there is one notice. */
  subject: string
  team: string | null
  /** For people. */
  sentence: string
  /** The figures behind it. */
  detail: Readonly<Record<string, string | number | null>>
  /** RFC 3339. */
  createdAt: string
}

export interface AwsRequest {
  service: AwsService
  region: string
  path: string
  headers: Readonly<Record<string, string>>
  body: string
}

/** What a channel may use. */
export interface Lent {
  /** The guarded way to an address that an admin set. */
  fetch: Send
  /** AWS, signed with the gateway's own credentials. */
  aws(request: AwsRequest, signal: AbortSignal): Promise<Answer>
  hashes: Hashes
  /** Aborts when the time is up. */
  signal: AbortSignal
  /** Milliseconds since 1970. */
  now(): number
}

export interface Channel {
  kind: string
  label: string
  fields: readonly Field[]
  /** What is wrong with settings that are all there: the name of one, and what it must be. */
  wrong(settings: Settings): { field: string; must: string } | undefined
  /** @throws ChannelError for every refusal and failure. */
  deliver(message: Message, settings: Settings, lent: Lent): Promise<void>
}

/** Its problem is a word for the history, such as `http_404`: never what the other side said. */
export class ChannelError extends Error {
  readonly problem: string
  /** Seconds after which the other side wants to be asked again. */
  readonly retryAfter: number | undefined

  constructor(problem: string, options: { retryAfter?: number | undefined; cause?: unknown } = {}) {
    super(problem, { cause: options.cause })
    this.name = 'ChannelError'
    this.problem = problem
    this.retryAfter = options.retryAfter
  }
}

/** The bytes that a text travels as. */
export function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text)
}
