/**
 * CountTokens: exact and free of charge, but only for models that Bedrock serves without an inference profile.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
 */
import { toBase64 } from '../../protocol/base64.ts'
import { adapt } from '../../protocol/fields/adapt.ts'
import { NOTHING_OMITTED } from '../../protocol/fields/target.ts'
import { member, outline, parse } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Lent, Route } from '../provider.ts'
import { exchange, wholeBody } from './exchange.ts'
import { invokeEnvelope } from './invoke.ts'

/** The input tokens of a call; undefined for a model that cannot be counted. */
export async function countTokens(call: Call, route: Route, lent: Lent): Promise<number | undefined> {
  const { model } = route
  if (!model || model.generation > 4.6) return undefined
  const target = { wire: 'invoke', model, omit: NOTHING_OMITTED, secret: lent.secret } as const
  const invocation = toBase64((await adapt(call, target, invokeEnvelope(maxTokens(call)))).body)
  const body = new TextEncoder().encode(JSON.stringify({ input: { invokeModel: { body: invocation } } }))
  const request = { operation: 'count-tokens', modelId: model.bedrockId, body } as const
  const { response } = await exchange(request, call, route, lent)
  const answer = await wholeBody(response)
  const count = member(outline(answer, {}), 'inputTokens')
  return count && parse<number>(answer, count)
}

/** Bedrock wants `max_tokens` here too, and more of them than the thinking budget. */
function maxTokens({ body, outline: root }: Call): number | undefined {
  if (member(root, 'max_tokens')) return undefined
  const budget = member(member(root, 'thinking'), 'budget_tokens')
  const tokens = budget && parse<unknown>(body, budget)
  return typeof tokens === 'number' ? tokens + 1 : 1
}
