/**
 * Google access tokens. Where secrets are sent is fixed here: what a credentials file says of that is not listened to.
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 * https://cloud.google.com/iam/docs/workload-identity-federation
 */

import { type CredentialSource, type Credentials, credentialTrouble } from '../../aws.ts'
import { GatewayError } from '../../errors.ts'
import { refusalBody, refusalText, textIn } from '../../protocol/refusals.ts'
import type { Send } from '../../protocol/send.ts'
import type { ExternalAccount, GoogleAccount, ServiceAccount } from './accounts.ts'
import { signedJwt } from './jwt.ts'
import { subjectToken } from './subject.ts'

export interface TokenLent {
  fetch: Send
  now(): number
  /** Where there is a disk. */
  readFile?(path: string): Promise<string>
  /** For machines that prove who they are by their AWS credentials. */
  aws?: { region: string; credentials: CredentialSource }
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const EXCHANGE_URL = 'https://sts.googleapis.com/v1/token'
const IMPERSONATE_URL = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts'
const MACHINE_URL =
  'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token'

/** @throws GatewayError api_error where Google gives none. */
export async function googleToken(account: GoogleAccount, lent: TokenLent): Promise<Credentials> {
  switch (account.type) {
    case 'service_account':
      return tokenFrom(await form(lent, TOKEN_URL, await assertion(account, lent.now())), lent)
    case 'authorized_user': {
      const { type: _, ...user } = account
      return tokenFrom(await form(lent, TOKEN_URL, { grant_type: 'refresh_token', ...user }), lent)
    }
    case 'external_account':
      return federated(account, lent)
    case 'machine':
      return tokenFrom(await answer(lent, MACHINE_URL, { headers: { 'metadata-flavor': 'Google' } }), lent)
  }
}

/** Google takes claims of at most an hour. */
const ASSERTED_FOR = 3600

async function assertion({ client_email, private_key, private_key_id }: ServiceAccount, now: number) {
  const iat = Math.floor(now / 1000)
  const claims = { iss: client_email, scope: SCOPE, aud: TOKEN_URL, iat, exp: iat + ASSERTED_FOR }
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await signedJwt(claims, { pem: private_key, id: private_key_id }),
  }
}

async function federated(account: ExternalAccount, lent: TokenLent): Promise<Credentials> {
  const exchanged = await form(lent, EXCHANGE_URL, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: SCOPE,
    audience: account.audience,
    subject_token: await subjectToken(account, lent),
    subject_token_type: account.subject_token_type,
  })
  const url = account.service_account_impersonation_url
  if (url === undefined) return tokenFrom(exchanged, lent)
  const [, email] = /\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(url) ?? []
  if (email === undefined) throw unusable('service_account_impersonation_url')
  const impersonated = await answer(lent, `${IMPERSONATE_URL}/${email}:generateAccessToken`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${textIn(exchanged, 'access_token')}`,
    },
    body: JSON.stringify({ scope: [SCOPE] }),
  })
  return tokenFrom(impersonated, lent)
}

type Answer = Readonly<Record<string, unknown>>

function tokenFrom(answered: Answer, { now }: TokenLent): Credentials {
  const bearer = textIn(answered, 'access_token', 'accessToken')
  if (bearer === undefined) throw refused(new Error('the answer holds no token'))
  const { expires_in: seconds, expireTime: until } = answered
  const expiresAt = typeof until === 'string' ? Date.parse(until) : now() + Number(seconds ?? 0) * 1000
  return { bearer, expiresAt }
}

function form(lent: TokenLent, url: string, fields: Record<string, string>): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return answer(lent, url, { method: 'POST', headers, body: new URLSearchParams(fields).toString() })
}

const PATIENCE = 10_000

interface Asked {
  method?: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
}

async function answer(lent: TokenLent, url: string, { headers, ...asked }: Asked): Promise<Answer> {
  const signal = AbortSignal.timeout(PATIENCE)
  const init = { ...asked, headers, signal, redirect: 'manual' } as const
  const response = await lent.fetch(url, init).catch((cause: unknown) => {
    const sentence = 'The gateway could not reach Google for an access token.'
    throw new GatewayError('api_error', sentence, { cause })
  })
  const body = refusalBody(await refusalText(response))
  if (response.ok) return body
  if (response.status >= 500) {
    throw new GatewayError('api_error', 'Google has no access token for the gateway at the moment.')
  }
  // OAuth's own words: `invalid_grant`, and what of it.
  throw refused(
    new Error(`${textIn(body, 'error') ?? response.status}: ${textIn(body, 'error_description')}`),
  )
}

function refused(cause: Error): GatewayError {
  return credentialTrouble("Google refused the gateway's own credentials. Your key is fine.", cause)
}

function unusable(field: string): GatewayError {
  return credentialTrouble(`The gateway's Google credentials cannot be used: ${field} is not as it must be.`)
}
