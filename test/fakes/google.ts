/**
 * Google's token endpoints, as a fetch: each checks what Google checks, and gives tokens that tell where they came from.
 */
import { createVerify, type KeyObject } from 'node:crypto'
import { parse, text, thing } from './json.ts'

export interface FakeGoogle {
  fetch: typeof fetch
  /** Every address that was asked, in order. */
  asked: string[]
  /** The forms that were sent. */
  forms: URLSearchParams[]
}

interface Known {
  /** Of the service account. */
  publicKey?: KeyObject | undefined
  now: () => number
  /** Seconds that tokens live. */
  lives?: number
  /** What other addresses answer. */
  pages?: Record<string, string>
}

const JSON_TYPE = { headers: { 'content-type': 'application/json' } }
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

export function fakeGoogle({ publicKey, now, lives = 3600, pages = {} }: Known): FakeGoogle {
  const asked: string[] = []
  const forms: URLSearchParams[] = []
  const token = (name: string) =>
    Response.json({ access_token: `${name}-${asked.length}`, expires_in: lives, token_type: 'Bearer' })
  const refuse = (error: string) =>
    new Response(JSON.stringify({ error, error_description: 'no' }), { status: 400, ...JSON_TYPE })

  async function answer(url: string, { headers, body, method = 'GET' }: RequestInit = {}): Promise<Response> {
    asked.push(url)
    const sent = new Headers(headers)
    const page = pages[url]
    if (page !== undefined) return new Response(page)
    if (
      url === 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token'
    ) {
      return sent.get('metadata-flavor') === 'Google' ? token('machine') : refuse('no flavor')
    }
    if (method !== 'POST') return new Response('Not Found', { status: 404 })
    if (/^https:\/\/iamcredentials\.googleapis\.com\//.test(url)) {
      if (!sent.get('authorization')?.startsWith('Bearer exchanged-')) return refuse('unauthorized')
      const expireTime = new Date(now() + lives * 1000).toISOString()
      return Response.json({ accessToken: `impersonated-${url.split('/').at(-1)}`, expireTime })
    }
    const form = new URLSearchParams(String(body))
    forms.push(form)
    const outcome = judged(url, form, { publicKey, now })
    if (outcome === undefined) return new Response('Not Found', { status: 404 })
    return 'token' in outcome ? token(outcome.token) : refuse(outcome.no)
  }

  return { fetch: answer as typeof fetch, asked, forms }
}

/** The outcome of a form that was posted to this address. */
function judged(
  url: string,
  form: URLSearchParams,
  { publicKey, now }: Known,
): { token: string } | { no: string } | undefined {
  if (url === 'https://sts.googleapis.com/v1/token') {
    const isComplete =
      form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:token-exchange' &&
      form.get('requested_token_type') === 'urn:ietf:params:oauth:token-type:access_token' &&
      form.get('scope') === SCOPE &&
      ['audience', 'subject_token', 'subject_token_type'].every((name) => form.get(name))
    return isComplete ? { token: 'exchanged' } : { no: 'invalid_request' }
  }
  if (url !== 'https://oauth2.googleapis.com/token') return undefined
  if (form.get('grant_type') === 'refresh_token') {
    const isKnown =
      form.get('refresh_token') === 'refresh' && form.get('client_id') && form.get('client_secret')
    return isKnown ? { token: 'refreshed' } : { no: 'invalid_grant' }
  }
  const wrong = assertedWrongly(form.get('assertion') ?? '', publicKey, now())
  return wrong === undefined ? { token: 'asserted' } : { no: wrong }
}

function assertedWrongly(jwt: string, key: KeyObject | undefined, now: number): string | undefined {
  const [header = '', claims = '', signature = ''] = jwt.split('.')
  const decoded = (part: string) => thing(parse(Buffer.from(part, 'base64url').toString()))
  if (/[+/=]/.test(jwt)) return 'not base64url'
  const { alg, kid } = decoded(header)
  if (alg !== 'RS256' || kid !== 'key-1') return 'wrong header'
  const { iss, aud, scope, iat, exp } = decoded(claims)
  if (!text(iss).endsWith('.gserviceaccount.com') || scope !== SCOPE) return 'wrong issuer or scope'
  if (aud !== 'https://oauth2.googleapis.com/token') return 'wrong audience'
  const seconds = now / 1000
  if (Number(iat) > seconds + 1 || Number(exp) > Number(iat) + 3600 || Number(exp) < seconds)
    return 'wrong time'
  const verifier = createVerify('RSA-SHA256').update(`${header}.${claims}`)
  return key && verifier.verify(key, signature, 'base64url') ? undefined : 'invalid_grant'
}
