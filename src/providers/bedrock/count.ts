/**
 * CountTokens: exact and free of charge, but only for models that Bedrock serves without an inference profile.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
 */
import { toBase64 } from '../../protocol/base64.ts'
import { member, outline, parse } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Lent, Route } from '../provider.ts'
import { exchange, wholeBody } from './exchange.ts'
import { translate } from './translate.ts'

/** The input tokens of a call; undefined for a model that cannot be counted. */
export async function countTokens(call: Call, route: Route, lent: Lent): Promise<number | undefined> {
  const { model } = route
  if (!model || model.generation > 4.6) return undefined
  const target = { generation: model.generation, secret: lent.secret, maxTokens: maxTokens(call) }
  const invocation = toBase64(await translate(call, target))
  const body = new TextEncoder().encode(JSON.stringify({ input: { invokeModel: { body: invocation } } }))
  const request = { operation: 'count-tokens', modelId: model.bedrockId, body } as const
  const { response } = await exchange(request, call, route, lent)
  const answer = await wholeBody(response)
  const count = member(outline(answer, {}), 'inputTokens')
  return count && parse<number>(answer, count)
}

/** Bedrock wants `max_tokens` here too, and more of them than the thinking budget. */
function maxTokens({ body, outline: root }: Call): number {
  const budget = member(member(root, 'thinking'), 'budget_tokens')
  const tokens = budget && parse<unknown>(body, budget)
  return typeof tokens === 'number' ? tokens + 1 : 1
}
