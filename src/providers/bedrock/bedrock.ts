/**
 * Claude on Amazon Bedrock. Answers are always streamed: one that the client wants in one piece is put together
 * behind this, and cannot time out on the way here.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 */
import { GatewayError } from '../../errors.ts'
import { adapt } from '../../protocol/fields/adapt.ts'
import type { Omissions } from '../../protocol/fields/target.ts'
import type { Call } from '../../protocol/messages.ts'
import { readEvents } from '../../protocol/streams.ts'
import type { Lent, Provider, Reply, Route } from '../provider.ts'
import { countTokens } from './count.ts'
import { bedrockDecoder } from './decode.ts'
import { exchange } from './exchange.ts'
import { invokeEnvelope } from './invoke.ts'

export const bedrock = { send, countTokens } satisfies Provider

async function send(call: Call, route: Route, lent: Lent, omit: Omissions): Promise<Reply> {
  const target = { wire: route.upstream.wire, model: route.model, omit, secret: lent.secret }
  const { body, removed } = await adapt(call, target, invokeEnvelope())
  const request = { operation: 'invoke-with-response-stream', modelId: route.modelId, body } as const
  const { response, abort } = await exchange(request, call, route, lent)
  if (!response.body) throw new GatewayError('api_error', 'Bedrock answered a stream without a body.')
  return { events: readEvents(response.body, bedrockDecoder(call.model), abort), removed }
}
