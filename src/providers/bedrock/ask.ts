/** One request to AWS, signed for the wire it goes by. */
import { type Credentials, sign } from '../../aws.ts'
import type { Bytes } from '../../protocol/bytes.ts'
import { type Exchange, exchange } from '../../protocol/exchange.ts'
import type { Call } from '../../protocol/messages.ts'
import type { About } from '../../protocol/refusals.ts'
import type { Lent, Route } from '../provider.ts'
import { refusedBy } from './errors.ts'
import { formOf } from './wires.ts'

interface Asked<T> {
  path: string
  headers: Record<string, string>
  body: Bytes
  take: Exchange<T>['take']
}

/** @throws GatewayError for every answer but a success. */
export function ask<T>(
  { path, headers: own, body, take }: Asked<T>,
  call: Call,
  route: Route,
  lent: Lent,
): Promise<T> {
  const { endpoint, credentials, region, wire, headers: always } = route.upstream
  const { service, upstream } = formOf(wire)
  const request = {
    method: 'POST',
    url: `${endpoint}${path}`,
    headers: { ...own, ...always },
    body,
    service,
    region,
  } as const
  return exchange({
    upstream,
    credentials,
    signal: call.signal,
    lent,
    request: async (current: Credentials) => ({
      url: request.url,
      headers: await sign({ ...request, now: lent.now() }, current),
      body,
    }),
    refused: (response) => refusedBy(response, aboutOf(call, route)),
    take,
  })
}

export function aboutOf({ model }: Call, { upstream: { wire } }: Route): About {
  const { upstream, account } = formOf(wire)
  return { model, upstream, account }
}
