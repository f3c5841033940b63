/**
 * Claude on AWS, by whichever wire the upstream speaks. Answers are always streamed: one that the client wants in one
 * piece is put together behind this, and cannot time out on the way here.
 */

import { GatewayError } from '../../errors.ts'
import { apiStreamError } from '../../protocol/apierrors.ts'
import { messagesHeaders, streamEnvelope } from '../../protocol/envelopes.ts'
import { adapt } from '../../protocol/fields/adapt.ts'
import { asText } from '../../protocol/fields/structure.ts'
import type { Omissions } from '../../protocol/fields/target.ts'
import type { Call } from '../../protocol/messages.ts'
import type { About } from '../../protocol/refusals.ts'
import type { Answer } from '../../protocol/send.ts'
import { sseEvents } from '../../protocol/ssedecoder.ts'
import { type Events, readEvents } from '../../protocol/streams.ts'
import { ask } from '../ask.ts'
import type { Lent, Provider, Reply, Route } from '../provider.ts'
import { countTokens } from './count.ts'
import { bedrockDecoder } from './decode.ts'
import { doorFor } from './door.ts'
import { refusedBy } from './errors.ts'
import { examine } from './examine.ts'
import { invokeEnvelope } from './invoke.ts'
import { find } from './names.ts'
import { resolve } from './profiles.ts'
import { survey } from './survey.ts'
import { formOf, place } from './wires.ts'

export const bedrock = { place, find, resolve, survey, examine, send, countTokens } satisfies Provider

async function send(call: Call, route: Route, lent: Lent, omit: Omissions): Promise<Reply> {
  const { wire } = route.upstream
  const target = { wire, model: route.model, omit, secret: lent.secret, hashes: lent.hashes, room: lent.room }
  const envelope = wire === 'invoke' ? invokeEnvelope() : streamEnvelope(call, route.modelId)
  const { body, betas, structured, removed } = await adapt(call, target, envelope)
  const door = doorFor(call, route, lent)
  const events = await ask(
    {
      path: formOf(wire).path(route.modelId),
      headers: wire === 'invoke' ? FRAMES : messagesHeaders(betas),
      body,
      take: (response, abort) => eventsOf(response, abort, door.about, route, lent),
    },
    door,
    call,
    route,
    lent,
  )
  return { events: structured ? asText(events) : events, removed }
}

const FRAMES = { accept: 'application/vnd.amazon.eventstream', 'content-type': 'application/json' }

async function eventsOf(
  response: Answer,
  abort: () => void,
  about: About,
  route: Route,
  lent: Lent,
): Promise<Events> {
  if (route.upstream.wire === 'invoke') {
    if (!response.body) throw new GatewayError('api_error', 'Bedrock answered a stream without a body.')
    return readEvents(response.body, bedrockDecoder(about, lent.hashes), abort)
  }
  const told = {
    told: about.model,
    // Anthropic's own names stand: where another model took over, that is how one knows.
    ...(route.upstream.wire === 'claude-platform' ? { instead: route.modelId } : {}),
    failure: (data: Uint8Array) => apiStreamError(data, about),
  }
  return sseEvents(response, abort, told, (refusal) => refusedBy(refusal, about))
}
