/**
 * Is this request signed for Bedrock, or another service of AWS? Recomputed from what arrived, by AWS's own signer.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { invalid, type Refusal, refusal } from './refusal.ts'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface Session {
  credentials: Credentials
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface Arrived {
  method: string
  /** Path and query exactly as on the wire. */
  target: string
  headers: IncomingHttpHeaders
  bytes: Buffer
}

export interface Expected {
  credentials: Credentials
  apiKey: string | undefined
  /** Access keys that were good once. */
  expired: ReadonlySet<string>
  /** Sessions that somebody else gave out. */
  issued?: ((accessKeyId: string) => Session | undefined) | undefined
  region: string
  /** As credentials are scoped to it; Bedrock unless said. */
  service?: string
  now: number
  /** Any header may be signed. */
  lenient: boolean
}

const SIGNABLE =
  /^(host|content-type|content-length|accept|user-agent|amz-sdk-.*|x-amz-.*|x-amzn-bedrock-.*)$/
const FIVE_MINUTES = 5 * 60_000

export async function verify(arrived: Arrived, expected: Expected): Promise<Refusal | undefined> {
  const header = arrived.headers.authorization
  if (header === undefined) return refusal('MissingAuthenticationTokenException')
  if (header.startsWith('Bearer ')) return bearer(header.slice(7), expected)
  const parts = partsOf(header)
  if (!parts) return refusal('IncompleteSignatureException')
  const strange = expected.lenient ? [] : parts.signed.filter((name) => !SIGNABLE.test(name))
  if (strange.length > 0) return invalid(`Unexpected signed headers: ${strange.join(', ')}`)
  if (!parts.signed.includes('host'))
    return refusal('InvalidSignatureException', "'Host' must be a 'SignedHeader'.")
  const session = expected.issued?.(parts.accessKeyId)
  if (session && session.expiresAt <= expected.now) return refusal('ExpiredTokenException')
  const known = session ? { ...expected, credentials: session.credentials } : expected
  return scope(parts, known) ?? skew(arrived, known) ?? (await compare(arrived, parts, known))
}

function bearer(key: string, { apiKey }: Expected): Refusal | undefined {
  if (key === apiKey) return undefined
  return refusal('AccessDeniedException', 'Authentication failed: Please make sure your API Key is valid.')
}

interface Parts {
  accessKeyId: string
  date: string
  region: string
  service: string
  signed: string[]
  signature: string
}

function partsOf(header: string): Parts | undefined {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    )
  if (!found) return undefined
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] = found
  return { accessKeyId, date, region, service, signed: signed.split(';'), signature }
}

function scope(
  parts: Parts,
  { credentials, expired, region, service = 'bedrock' }: Expected,
): Refusal | undefined {
  if (expired.has(parts.accessKeyId)) return refusal('ExpiredTokenException')
  if (parts.accessKeyId !== credentials.accessKeyId) return refusal('UnrecognizedClientException')
  if (parts.region !== region) {
    return refusal(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${parts.region}'.`,
    )
  }
  if (parts.service === service) return undefined
  return refusal('InvalidSignatureException', `Credential should be scoped to correct service: '${service}'.`)
}

function headerOf(arrived: Arrived, name: string): string | undefined {
  const value = arrived.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function dateOf(stamp: string): Date | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp)
  if (!found) return undefined
  const [, year, month, day, hour, minute, second] = found.map(Number)
  return new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second))
}

function skew(arrived: Arrived, { now }: Expected): Refusal | undefined {
  const stamp = headerOf(arrived, 'x-amz-date') ?? ''
  const date = dateOf(stamp)
  if (!date)
    return refusal('IncompleteSignatureException', "Authorization header requires existence of 'X-Amz-Date'.")
  const drift = date.getTime() - now
  if (Math.abs(drift) <= FIVE_MINUTES) return undefined
  const edge = stampOf(now + Math.sign(drift) * FIVE_MINUTES)
  return refusal(
    'InvalidSignatureException',
    drift < 0
      ? `Signature expired: ${stamp} is now earlier than ${edge} (${stampOf(now)} - 5 min.)`
      : `Signature not yet current: ${stamp} is still later than ${edge} (${stampOf(now)} + 5 min.)`,
  )
}

function stampOf(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

async function compare(arrived: Arrived, parts: Parts, expected: Expected): Promise<Refusal | undefined> {
  const { credentials } = expected
  const token = headerOf(arrived, 'x-amz-security-token')
  if (token !== credentials.sessionToken) return refusal('UnrecognizedClientException')
  const claimed = headerOf(arrived, 'x-amz-content-sha256')
  if (claimed !== undefined && claimed !== createHash('sha256').update(arrived.bytes).digest('hex')) {
    return refusal('InvalidSignatureException')
  }
  const stamp = headerOf(arrived, 'x-amz-date') ?? ''
  if (parts.date !== stamp.slice(0, 8)) {
    return refusal(
      'InvalidSignatureException',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${parts.date}' != '${stamp.slice(0, 8)}'.`,
    )
  }
  const recomputed = await signatureOf(arrived, parts, expected, dateOf(stamp) ?? new Date(0))
  const equal = timingSafeEqual(Buffer.from(recomputed), Buffer.from(parts.signature))
  return equal ? undefined : refusal('InvalidSignatureException')
}

async function signatureOf(
  arrived: Arrived,
  parts: Parts,
  expected: Expected,
  signingDate: Date,
): Promise<string> {
  const [path = '', query = ''] = splitTarget(arrived.target)
  const headers = Object.fromEntries(parts.signed.map((name) => [name, headerOf(arrived, name) ?? '']))
  const signer = new SignatureV4({
    credentials: expected.credentials,
    region: expected.region,
    service: expected.service ?? 'bedrock',
    sha256: Sha256,
    applyChecksum: false,
  })
  const signed = await signer.sign(
    {
      method: arrived.method,
      protocol: 'http:',
      hostname: headerOf(arrived, 'host') ?? '',
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      headers,
      body: arrived.bytes,
    },
    { signingDate, signableHeaders: new Set(parts.signed) },
  )
  return /Signature=([0-9a-f]{64})/.exec(signed.headers['authorization'] ?? '')?.[1] ?? ''.padEnd(64)
}

export function splitTarget(target: string): [string, string] {
  const cut = target.indexOf('?')
  return cut < 0 ? [target, ''] : [target.slice(0, cut), target.slice(cut + 1)]
}
