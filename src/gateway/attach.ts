/**
 * Images and documents that a call names by URL, fetched and put into it: Bedrock takes them in base64 only.
 * https://docs.claude.com/en/docs/build-with-claude/vision#url-based-image-example
 */
import { type EgressAnswer, type EgressLent, egress } from '../egress.ts'
import { GatewayError } from '../errors.ts'
import { toBase64 } from '../protocol/base64.ts'
import { within } from '../protocol/deadline.ts'
import { type Edit, splice } from '../protocol/edits.ts'
import { member, outline, parse, type Shape, type Value, values } from '../protocol/json.ts'
import { mayHold } from '../protocol/jsonnotes.ts'
import { type MediaType, mediaTypeOfBytes } from '../protocol/media.ts'
import { type Call, requestShape } from '../protocol/messages.ts'

interface AttachLent {
  egress: EgressLent
  limits: { bodyBytes: number }
  caps?: AttachCaps
}

/** Bounds of what one call may have fetched. Bytes and milliseconds. */
export interface AttachCaps {
  files: number
  fileBytes: number
  /** For all of them. */
  timeout: number
  atOnce: number
  redirects: number
}

export const ATTACH_CAPS: AttachCaps = {
  files: 100, // as many images as the API takes
  fileBytes: 15_000_000,
  timeout: 30_000,
  atOnce: 4,
  redirects: 3,
}

/** A source of type `url`, by the bytes it covers. */
interface UrlSource {
  path: string
  start: number
  end: number
  kind: 'image' | 'document'
  url: string
}

interface File {
  mediaType: MediaType
  data: string
}

/**
 * The same call where nothing is to be fetched; else one that carries what its URLs lead to.
 * @throws GatewayError invalid_request_error naming the source that cannot be had; request_too_large where the call
 *   grows too large.
 */
export async function attach(call: Call, lent: AttachLent): Promise<Call> {
  if (!mayHold(call.outline, 'source')) return call // most calls: seen without a look at the bytes
  const sources = [...urlSources(call)]
  if (sources.length === 0) return call
  const { files, timeout } = lent.caps ?? ATTACH_CAPS
  const [excess] = sources.slice(files)
  if (excess) throw invalid(`${excess.path}: At most ${files} URLs can be fetched for one request.`)
  const deadline = {
    timeout,
    signal: call.signal,
    late: () => invalid(`messages: The URLs in this request took longer than ${timeout} ms to fetch.`),
    left: () => invalid('messages: The URLs in this request were not fetched: nobody waits for it any more.'),
  }
  const edits = await within(deadline, (signal) => fetchAll(sources, call, lent, signal))
  const grown = edits.reduce((length, { start, end, text }) => length + text.length - (end - start), 0)
  if (call.body.length + grown > lent.limits.bodyBytes) throw tooLarge(lent.limits)
  const body = splice(call.body, edits)
  return { ...call, body, outline: outline(body, requestShape) }
}

function* urlSources({ body, outline: root }: Call): Generator<UrlSource> {
  for (const messages of values(root, 'messages')) {
    for (const [index, message] of (messages.elements ?? []).entries()) {
      for (const content of values(message, 'content')) {
        yield* inBlocks({ bytes: body, offset: 0 }, content, `messages.${index}.content`)
      }
    }
  }
}

/** A stretch of the body, and where in the body it starts. */
interface Stretch {
  bytes: Uint8Array
  offset: number
}

function* inBlocks(stretch: Stretch, content: Value | undefined, path: string): Generator<UrlSource> {
  for (const [index, block] of (content?.elements ?? []).entries()) {
    const at = `${path}.${index}`
    for (const source of values(block, 'source')) yield* inSource(stretch, block, source, `${at}.source`)
    for (const inner of values(block, 'content')) yield* inBlocks(stretch, inner, `${at}.content`)
  }
}

/** A source may hold blocks of its own: `{"type":"content","content":[…]}`. */
const sourceShape: Shape = { content: [{}] }
const OPEN_OBJECT = 0x7b

function* inSource(stretch: Stretch, block: Value, span: Value, path: string): Generator<UrlSource> {
  const { bytes, offset } = stretch
  const kind = textAt(bytes, member(block, 'type'))
  if (bytes[span.start] !== OPEN_OBJECT || (kind !== 'image' && kind !== 'document')) return
  const { inside, source } = looked(stretch, span, kind)
  const type = textAt(inside.bytes, member(source, 'type'))
  if (type === 'content') yield* inBlocks(inside, member(source, 'content'), `${path}.content`)
  if (type !== 'url') return
  const url = textAt(inside.bytes, member(source, 'url'))
  if (url === undefined) throw invalid(`${path}.url: Input should be a valid string`)
  yield { path, start: offset + span.start, end: offset + span.end, kind, url }
}

/** What the call's own outline says of a source; where that has not looked into it, an outline of the source. */
function looked({ bytes, offset }: Stretch, span: Value, kind: string): { inside: Stretch; source: Value } {
  const { start, end, members } = span
  const isLong = kind === 'image' && end - start > MAX_TEXT // then it holds the image, and no URL
  if (members || isLong) return { inside: { bytes, offset }, source: span }
  const inside = { bytes: bytes.subarray(start, end), offset: offset + start }
  return { inside, source: outline(inside.bytes, sourceShape) }
}

/** Longer than any type or any URL that is fetched. */
const MAX_TEXT = 65_536

function textAt(bytes: Uint8Array, span: Value | undefined): string | undefined {
  if (!span || span.end - span.start > MAX_TEXT) return undefined
  const value = parse<unknown>(bytes, span)
  return typeof value === 'string' ? value : undefined
}

/** A few at a time; the first failure is the end of all. What is named twice is fetched once. */
async function fetchAll(
  sources: readonly UrlSource[],
  call: Call,
  { egress: way, limits, caps = ATTACH_CAPS }: AttachLent,
  signal: AbortSignal,
): Promise<Required<Edit>[]> {
  let room = Math.floor(((limits.bodyBytes - call.body.length) * 3) / 4)
  const files = new Map<string, File>()
  const waiting = [...new Map(sources.map((source) => [nameOf(source), source])).values()]
  const fetchNext = async (): Promise<void> => {
    const source = waiting.shift()
    if (!source) return
    if (room <= 0) throw tooLarge(limits)
    const { timeout, redirects, fileBytes } = caps
    const answer = await egress(
      source.url,
      { timeout, redirects, signal, maxBytes: fileBytes, headers: { accept: ACCEPT[source.kind] } },
      way,
    ).catch((cause: unknown) => failed(source, cause))
    room -= answer.body.length
    if (room < 0) throw tooLarge(limits)
    files.set(nameOf(source), fileOf(source, answer))
    return fetchNext()
  }
  await Promise.all(Array.from({ length: caps.atOnce }, fetchNext))
  return sources.map((source) => {
    const { mediaType, data } = files.get(nameOf(source)) as File
    const text = `{"type":"base64","media_type":"${mediaType}","data":"${data}"}`
    return { start: source.start, end: source.end, text }
  })
}

const ACCEPT = { image: 'image/jpeg, image/png, image/gif, image/webp', document: 'application/pdf' }

function nameOf({ kind, url }: UrlSource): string {
  return `${kind} ${url}`
}

function failed({ path }: UrlSource, cause: unknown): never {
  if (!(cause instanceof GatewayError)) throw cause
  throw invalid(`${path}: ${cause.message}`, cause)
}

/** Types that say nothing. */
const OPAQUE = new Set(['', 'application/octet-stream', 'binary/octet-stream'])

/** What has arrived, if it is what it should be. Its bytes decide, as they do upstream; its type must not deny it. */
function fileOf({ kind, path }: UrlSource, { status, mediaType: said, body }: EgressAnswer): File {
  if (status !== 200) throw invalid(`${path}: The URL answers with status ${status}.`)
  const mediaType = mediaTypeOfBytes(body)
  const isKind = (type: string) =>
    kind === 'image' ? type.startsWith('image/') : /^application\/(x-)?pdf$/.test(type)
  if (!mediaType || !isKind(mediaType) || !(isKind(said) || OPAQUE.has(said))) {
    throw invalid(
      kind === 'image'
        ? `${path}: The URL does not lead to a JPEG, PNG, GIF or WebP image.`
        : `${path}: The URL does not lead to a PDF document.`,
    )
  }
  return { mediaType, data: toBase64(body) }
}

function tooLarge({ bodyBytes }: { bodyBytes: number }): GatewayError {
  return new GatewayError(
    'request_too_large',
    `Request exceeds the maximum size of ${bodyBytes} bytes once its URLs are fetched.`,
  )
}

function invalid(sentence: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_request_error', sentence, { cause })
}
