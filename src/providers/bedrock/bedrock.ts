/**
 * Claude on Amazon Bedrock through InvokeModel: JSON in one piece, or AWS event stream.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 */
import { GatewayError } from '../../errors.ts'
import type { Call } from '../../protocol/messages.ts'
import { readEvents } from '../../protocol/streams.ts'
import type { Lent, Provider, Reply, Route } from '../provider.ts'
import { countTokens } from './count.ts'
import { bedrockDecoder, decodeMessage } from './decode.ts'
import { exchange, wholeBody } from './exchange.ts'
import { translate } from './translate.ts'

export const bedrock = { send, countTokens } satisfies Provider

async function send(call: Call, route: Route, lent: Lent): Promise<Reply> {
  const body = await translate(call, { generation: route.model?.generation ?? 5, secret: lent.secret })
  const operation = call.stream ? 'invoke-with-response-stream' : 'invoke'
  const { response, abort } = await exchange({ operation, modelId: route.modelId, body }, call, route, lent)
  if (!call.stream) return { kind: 'message', message: decodeMessage(await wholeBody(response), call.model) }
  if (!response.body) throw new GatewayError('api_error', 'Bedrock answered a stream without a body.')
  return { kind: 'stream', events: readEvents(response.body, bedrockDecoder(call.model), abort) }
}
