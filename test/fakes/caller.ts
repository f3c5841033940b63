/**
 * The other side of the wire, for the fake's own tests: signs with aws4fetch, decodes frames with AWS's codec.
 */
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { AwsV4Signer } from 'aws4fetch'
import type { FakeBedrock } from './bedrock.ts'
import { type Thing, text, thing } from './json.ts'

export const OPUS = 'us.anthropic.claude-opus-5-5'

export function said(words: unknown, more: Thing = {}): Thing {
  return {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 4_096,
    messages: [{ role: 'user', content: words }],
    ...more,
  }
}

export interface Post {
  modelId?: string
  operation?: 'invoke' | 'invoke-with-response-stream' | 'count-tokens'
  /** The path's segment, when it should not be the encoded model id. */
  segment?: string
  headers?: Record<string, string>
  sign?: Partial<ConstructorParameters<typeof AwsV4Signer>[0]>
  /** Changes the request after it was signed. */
  tamper?: (init: { headers: Headers; body: string }) => void
  signal?: AbortSignal
}

export async function post(fake: FakeBedrock, body: unknown, options: Post = {}): Promise<Response> {
  const segment = options.segment ?? encodeURIComponent(options.modelId ?? OPUS)
  const signer = new AwsV4Signer({
    url: `${fake.url}/model/${segment}/${options.operation ?? 'invoke'}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...options.headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...fake.credentials,
    service: 'bedrock',
    region: fake.region,
    ...options.sign,
  })
  const { url, headers, body: signed } = await signer.sign()
  const init = { headers: new Headers(headers), body: String(signed) }
  options.tamper?.(init)
  return fetch(url, { method: 'POST', ...init, ...(options.signal ? { signal: options.signal } : {}) })
}

export function stream(fake: FakeBedrock, body: unknown, options: Post = {}): Promise<Response> {
  return post(fake, body, { ...options, operation: 'invoke-with-response-stream' })
}

/** "400 ValidationException: the message", or "200". */
export async function verdict(response: Response): Promise<string> {
  const body = thing(await response.json())
  const type = response.headers.get('x-amzn-errortype')?.split(':')[0]
  return type === undefined ? String(response.status) : `${response.status} ${type}: ${text(body['message'])}`
}

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (words) => new Uint8Array(Buffer.from(words)),
)

export interface Frame {
  headers: Record<string, string>
  payload: Thing
}

export function decodeFrame(bytes: Uint8Array): Frame {
  const { headers, body } = codec.decode(bytes)
  const plain = Object.entries(headers).map(([name, { value }]) => [name, String(value)] as const)
  const payload = body.length === 0 ? {} : thing(JSON.parse(Buffer.from(body).toString()))
  return { headers: Object.fromEntries(plain), payload }
}

export interface Heard {
  frames: Frame[]
  /** The events inside the chunks. */
  events: Thing[]
  bytes: number
  /** Sizes of the pieces the body arrived in. */
  pieces: number[]
  /** Bytes after the last whole frame, and what broke the stream off. */
  left: number
  broken?: unknown
}

export async function hear(response: Response): Promise<Heard> {
  const pieces: Buffer[] = []
  let broken: unknown
  try {
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece as Uint8Array))
  } catch (error) {
    broken = error
  }
  const whole = Buffer.concat(pieces)
  const frames: Frame[] = []
  let at = 0
  while (whole.length - at >= 4 && whole.length - at >= whole.readUInt32BE(at)) {
    const end = at + whole.readUInt32BE(at)
    frames.push(decodeFrame(whole.subarray(at, end)))
    at = end
  }
  const chunks = frames.filter(({ headers }) => headers[':event-type'] === 'chunk')
  const events = chunks.map(({ payload }) =>
    thing(JSON.parse(Buffer.from(text(payload['bytes']), 'base64').toString())),
  )
  const sizes = pieces.map(({ length }) => length)
  return {
    frames,
    events,
    bytes: whole.length,
    pieces: sizes,
    left: whole.length - at,
    ...(broken ? { broken } : {}),
  }
}

/** The events of a stream put back together as content blocks. */
export function assemble(events: readonly Thing[]): Thing[] {
  const out: Record<string, unknown>[] = []
  for (const event of events) {
    const index = Number(event['index'])
    if (event['type'] === 'content_block_start') out[index] = { ...thing(event['content_block']), json: '' }
    const block = out[index]
    const delta = thing(event['delta'])
    if (event['type'] !== 'content_block_delta' || !block) continue
    for (const key of ['text', 'thinking', 'signature']) {
      if (delta[key] !== undefined) block[key] = `${text(block[key])}${text(delta[key])}`
    }
    if (delta['partial_json'] !== undefined)
      block['json'] = `${text(block['json'])}${text(delta['partial_json'])}`
  }
  return out.map(({ json, ...block }) => (json === '' ? block : { ...block, input: JSON.parse(text(json)) }))
}
