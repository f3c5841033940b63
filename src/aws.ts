/** Credentials for AWS, and what they make of a request: every call to AWS is signed here. */

import { dnsSuffix } from './aws/hosts.ts'
import { GatewayError } from './errors.ts'
import type { Bytes } from './protocol/bytes.ts'
import { type Hashes, webHashes } from './protocol/hashes.ts'
import { type Place, type Signable, signed } from './protocol/sigv4.ts'

/** Keys that sign, or a secret that is shown: a Bedrock or Anthropic API key, a Google access token. */
export type Credentials = AwsKeys | { bearer: string; expiresAt?: number }

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  /** Milliseconds since 1970; keys without it do not expire. */
  expiresAt?: number
  /** Signing keys made from these, one a day, region and service. */
  derived?: Map<string, Bytes>
  /** What URLs come to in a signature. */
  places?: Map<string, Place>
}

/** Is handed work that nobody waits for, and that is to go on after the request. */
export type KeepAlive = (work: Promise<unknown>) => void

export interface CredentialSource {
  /** `keepAlive` is for their renewal. @throws GatewayError api_error saying what is missing and where to put it. */
  get(keepAlive?: KeepAlive): Promise<Credentials>
  /** These were refused: ask anew next time. */
  reject(refused: Credentials): void
}

export { keptCredentials } from './aws/kept.ts'

/** The headers to send, authorization included. */
export async function sign(
  request: Signable,
  credentials: Credentials,
  hashes: Hashes = webHashes,
): Promise<Record<string, string>> {
  if ('bearer' in credentials) {
    return { ...request.headers, authorization: `Bearer ${credentials.bearer}` }
  }
  return signed(request, credentials, hashes)
}

/** What else of AWS is spoken to, by the first label of its hosts. */
export type AwsService = 'sns' | 'events' | 'email'

/** As it is called in a signature. */
const SIGNING_NAMES: Readonly<Record<AwsService, string>> = { sns: 'sns', events: 'events', email: 'ses' }

export interface AwsAsk {
  service: AwsService
  region: string
  path: string
  headers: Readonly<Record<string, string>>
  body: string
  /** Milliseconds since 1970. */
  now: number
}

interface Endpoints {
  /** Instead of AWS's own, for some services. */
  overrides: Readonly<Partial<Record<AwsService, string | undefined>>>
  fips: boolean
}

/** A POST to a service of AWS: where to, and the headers to send, authorization included. */
export async function signedPost(
  ask: AwsAsk,
  keys: AwsKeys,
  { overrides, fips }: Endpoints,
  hashes?: Hashes,
) {
  const { service, region, path, headers, body, now } = ask
  const origin = overrides[service]?.replace(/\/+$/, '') ?? `https://${hostOf(service, region, fips)}`
  const url = `${origin}${path}`
  const asked = { method: 'POST', url, headers, body: encoder.encode(body), region, now } as const
  return { url, headers: await sign({ ...asked, service: SIGNING_NAMES[service] }, keys, hashes) }
}

const encoder = new TextEncoder()

/** In GovCloud the plain hosts are the validated ones, except for e-mail. */
function hostOf(service: AwsService, region: string, fips: boolean): string {
  const isPlain = !fips || (service !== 'email' && region.startsWith('us-gov-'))
  return `${service}${isPlain ? '' : '-fips'}.${region}.${dnsSuffix(region)}`
}

type Environment = Record<string, string | undefined>

/** The API key for Bedrock that an environment holds. AWS's SDKs, too, prefer it. Claude Platform has keys of its own. */
export function apiKeyIn(env: Environment, wire: string): Credentials | undefined {
  const bearer = env[wire === 'platform' ? 'ANTHROPIC_AWS_API_KEY' : 'AWS_BEARER_TOKEN_BEDROCK']
  return bearer ? { bearer } : undefined
}

/** What a developer is told of trouble with the gateway's own credentials: never 401, which would blame their key. */
export function credentialTrouble(sentence: string, cause?: unknown): GatewayError {
  return new GatewayError('api_error', sentence, { cause, retry: false, fault: { name: 'credentials' } })
}
