/**
 * Claude on Google Vertex AI: the URL says which model, the body which version; the answer is Anthropic's own.
 * https://docs.claude.com/en/api/claude-on-vertex-ai
 */

import { credentialTrouble } from '../../aws.ts'
import type { Config } from '../../config.ts'
import { countEnvelope, countedIn, messagesHeaders, streamEnvelope } from '../../protocol/envelopes.ts'
import { wholeBody } from '../../protocol/exchange.ts'
import { adapt, type Envelope } from '../../protocol/fields/adapt.ts'
import { NOTHING_OMITTED, type Omissions } from '../../protocol/fields/target.ts'
import { firstParty } from '../../protocol/firstparty.ts'
import type { Call } from '../../protocol/messages.ts'
import type { About } from '../../protocol/refusals.ts'
import type { Answer } from '../../protocol/send.ts'
import { sseEvents } from '../../protocol/ssedecoder.ts'
import { ask, type Door, shownSecret } from '../ask.ts'
import type { Lent, Place, Provider, Reply, Route, Upstream } from '../provider.ts'
import { refusedBy, streamError } from './errors.ts'
import { examine } from './examine.ts'
import { placeAt, usualApi } from './places.ts'

export const vertex = { place, find, examine, send, countTokens } satisfies Provider

const VERSION = 'vertex-2023-10-16'

/** @throws GatewayError api_error where the gateway has not been told its project. */
function place({ vertex: { project, region, endpoint } }: Config): Place {
  if (project === undefined) {
    throw credentialTrouble(
      'The gateway does not know its Google Cloud project. Set ANTHROPIC_VERTEX_PROJECT_ID where it runs.',
    )
  }
  return placeAt(project, region, endpoint?.replace(/\/+$/, '') ?? usualApi(region))
}

function find(name: string, upstream: Upstream): Route | undefined {
  const named = firstParty(name)
  if (!named) return undefined
  const { model } = named
  // A name that is not known yet goes as it came: only whoever asks knows whether it has a date.
  const modelId = model ? (model.dated ? `${model.name}@${model.dated}` : model.name) : name
  const regionClass = upstream.region === 'global' ? 'global' : 'region'
  return { upstream, modelId, model, regionClass }
}

async function send(call: Call, route: Route, lent: Lent, omit: Omissions): Promise<Reply> {
  const target = {
    wire: 'vertex',
    model: route.model,
    omit,
    secret: lent.secret,
    hashes: lent.hashes,
  } as const
  const { drop, add } = versioned(streamEnvelope(call))
  const { body, betas, removed } = await adapt(call, target, { drop: [...drop, 'model'], add })
  const door = doorFor(call, route)
  const { about } = door
  const told = { told: call.model, failure: (data: Uint8Array) => streamError(data, about) }
  const events = await ask(
    {
      path: `/${encodeURIComponent(route.modelId).replace('%40', '@')}:streamRawPredict`,
      headers: headersOf(betas),
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
    wire: 'vertex',
    model: route.model,
    omit: NOTHING_OMITTED,
    secret: lent.secret,
    hashes: lent.hashes,
  } as const
  const { body, betas } = await adapt(call, target, versioned(countEnvelope(call, route.modelId)))
  const take = async (response: Answer) => countedIn(await wholeBody(response, UPSTREAM))
  const asked = { path: '/count-tokens:rawPredict', headers: headersOf(betas), body, take }
  return ask(asked, doorFor(call, route), call, route, lent)
}

function versioned({ drop, add }: Envelope): Envelope {
  return { drop, add: (betas) => [`"anthropic_version":"${VERSION}"`, ...add(betas)] }
}

/** The version is said in the body here. */
function headersOf(betas: readonly string[]): Record<string, string> {
  const { 'anthropic-version': _, ...headers } = messagesHeaders(betas)
  return headers
}

const UPSTREAM = 'Google Vertex AI'

function doorFor(call: Call, route: Route): Door {
  return {
    about: aboutOf(call, route),
    headersFor: ({ headers }, credentials) => ({
      ...headers,
      authorization: `Bearer ${shownSecret(credentials, NO_TOKEN)}`,
    }),
    refusedBy,
  }
}

const NO_TOKEN =
  'The gateway has no Google Cloud credentials. Set GOOGLE_APPLICATION_CREDENTIALS where it runs.'

function aboutOf({ model }: Call, { upstream: { endpoint } }: Route): About {
  const [, project] = /\/projects\/([^/]+)\//.exec(endpoint) ?? []
  return {
    model,
    upstream: UPSTREAM,
    account: 'Google Cloud project',
    ...(project === undefined ? {} : { hidden: [project] }),
  }
}
