/**
 * Claude from Anthropic itself: what the client sent, byte for byte, with the gateway's key. What the answer's headers
 * say of the gateway's own account and limits stays here. https://docs.claude.com/en/api/messages
 */

import type { Config } from '../config.ts'
import type { GatewayError } from '../errors.ts'
import { API_RULES, apiStreamError, refusedInApiShape } from '../protocol/apierrors.ts'
import { countEnvelope, countedIn, messagesHeaders, streamEnvelope } from '../protocol/envelopes.ts'
import { type Refused, wholeBody } from '../protocol/exchange.ts'
import { adapt } from '../protocol/fields/adapt.ts'
import { NOTHING_OMITTED, type Omissions } from '../protocol/fields/target.ts'
import { firstParty } from '../protocol/firstparty.ts'
import type { Call } from '../protocol/messages.ts'
import { type About, errorFor } from '../protocol/refusals.ts'
import type { Answer } from '../protocol/send.ts'
import { sseEvents } from '../protocol/ssedecoder.ts'
import type { Privileges } from '../protocol/urls.ts'
import { examine, survey } from './anthropicsurvey.ts'
import { ask, type Door, shownSecret } from './ask.ts'
import { address, elsewhereWrong } from './elsewhere.ts'
import type { UpstreamKind } from './kind.ts'
import type { Lent, Place, Provider, Reply, Route, Upstream } from './provider.ts'

export const anthropic = { place, find, survey, examine, send, countTokens } satisfies Provider

const HOST = 'api.anthropic.com'

function place({ anthropic: { endpoint = `https://${HOST}` } }: Config): Place {
  return placeAt(endpoint.replace(/\/+$/, ''))
}

function placeAt(endpoint: string): Place {
  return { provider: 'anthropic', wire: 'anthropic', region: 'global', endpoint }
}

/** As an admin sets it up. */
export const anthropicKind = {
  kind: 'anthropic',
  label: 'Anthropic',
  region: undefined,
  transports: ['auto'],
  fields: [
    { name: 'apiKey', label: 'API key', required: true, secret: true },
    { name: 'endpoint', label: 'Another address', hint: `https://${HOST}` },
  ],
  wrong({ settings: { apiKey, endpoint } }, open) {
    if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey))
      return { field: 'apiKey', must: 'be an API key, on one line' }
    const must = endpoint && elsewhereMust(open)(endpoint)
    return must ? { field: 'endpoint', must } : undefined
  },
  place: ({ settings }, open) =>
    placeAt(address(settings['endpoint'], `https://${HOST}`, elsewhereMust(open))),
  access: ({ settings }) => ({ by: 'bearer', bearer: settings['apiKey'] ?? '' }),
} satisfies UpstreamKind

function elsewhereMust(open: Privileges) {
  return (text: string) => elsewhereWrong(text, (host) => host === HOST, open, `https://${HOST}`)
}

function find(name: string, upstream: Upstream): Route | undefined {
  const named = firstParty(name, upstream.offers)
  return named && { upstream, ...named, regionClass: 'global' }
}

async function send(call: Call, route: Route, lent: Lent, omit: Omissions): Promise<Reply> {
  const target = {
    wire: 'anthropic',
    model: route.model,
    omit,
    secret: lent.secret,
    hashes: lent.hashes,
  } as const
  const { body, betas, removed } = await adapt(call, target, streamEnvelope(call, route.modelId))
  const door = doorFor(call)
  const { about } = door
  const told = {
    told: call.model,
    // Where another model took over, that is how one knows.
    instead: route.modelId,
    failure: (data: Uint8Array): GatewayError => apiStreamError(data, about),
  }
  const events = await ask(
    {
      path: '/v1/messages',
      headers: messagesHeaders(betas),
      body,
      take: (response, abort) => sseEvents(response, abort, told, (refusal) => refusedBy(refusal, about)),
    },
    door,
    call,
    route,
    lent,
  )
  return { events, removed }
}

async function countTokens(call: Call, route: Route, lent: Lent): Promise<number | undefined> {
  const target = {
    wire: 'anthropic',
    model: route.model,
    omit: NOTHING_OMITTED,
    secret: lent.secret,
    hashes: lent.hashes,
  } as const
  const { body, betas } = await adapt(call, target, countEnvelope(call, route.modelId))
  const take = async (response: Answer) => countedIn(await wholeBody(response, UPSTREAM))
  const asked = { path: '/v1/messages/count_tokens', headers: messagesHeaders(betas), body, take }
  return ask(asked, doorFor(call), call, route, lent)
}

const UPSTREAM = 'Anthropic'

function doorFor({ model }: Call): Door {
  return {
    about: { model, upstream: UPSTREAM, account: 'Anthropic account' },
    headersFor: ({ headers }, credentials) => ({ ...headers, 'x-api-key': shownSecret(credentials, NO_KEY) }),
    refusedBy,
  }
}

const NO_KEY = 'The gateway has no key for the Anthropic API. Set ANTHROPIC_API_KEY where it runs.'

function refusedBy(response: Answer, about: About): Promise<Refused> {
  const { status } = response
  return refusedInApiShape(response, about, () => ({
    error: errorFor(API_RULES, { name: '', message: '', status }, about),
    credentials: false,
  }))
}
