/** One request to an upstream, let in the way its provider has. */

import { type Credentials, credentialTrouble } from '../aws.ts'
import type { Bytes } from '../protocol/bytes.ts'
import { type Exchange, exchange, type Refused } from '../protocol/exchange.ts'
import type { Call } from '../protocol/messages.ts'
import type { About } from '../protocol/refusals.ts'
import type { Answer } from '../protocol/send.ts'
import type { Lent, Route } from './provider.ts'

export interface Asked<T> {
  /** What goes behind the upstream's endpoint. */
  path: string
  headers: Record<string, string>
  body: Bytes
  take: Exchange<T>['take']
}

/** How a provider lets requests in, and what its refusals mean. */
export interface Door {
  about: About
  /** The headers to send: those of the request, and what says who is asking. */
  headersFor(
    request: Entering,
    credentials: Credentials,
  ): Record<string, string> | Promise<Record<string, string>>
  refusedBy(response: Answer, about: About): Promise<Refused>
}

export interface Entering {
  url: string
  headers: Record<string, string>
  body: Bytes
}

/** @throws GatewayError for every answer but a success. */
export function ask<T>(
  { path, headers, body, take }: Asked<T>,
  { about, headersFor, refusedBy }: Door,
  { signal }: Call,
  { upstream: { endpoint, credentials } }: Route,
  lent: Lent,
): Promise<T> {
  const url = `${endpoint}${path}`
  return exchange({
    upstream: about.upstream,
    credentials,
    signal,
    lent,
    request: async (current) => ({ url, headers: await headersFor({ url, headers, body }, current), body }),
    refused: (response) => refusedBy(response, about),
    take,
  })
}

/**
 * The secret that is shown where nothing is signed.
 * @throws GatewayError api_error saying `missing`, where the credentials are of another kind.
 */
export function shownSecret(credentials: Credentials, missing: string): string {
  if ('bearer' in credentials) return credentials.bearer
  throw credentialTrouble(missing)
}
