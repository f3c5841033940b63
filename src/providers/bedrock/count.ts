/**
 * Counting tokens on AWS, exact and free of charge: where the wire has the Messages API's own way, by that; on the
 * runtime by CountTokens, which knows only models that Bedrock serves without an inference profile.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
 */

import { toBase64 } from '../../protocol/base64.ts'
import { countEnvelope, countedIn, messagesHeaders } from '../../protocol/envelopes.ts'
import { wholeBody } from '../../protocol/exchange.ts'
import { adapt } from '../../protocol/fields/adapt.ts'
import { NOTHING_OMITTED } from '../../protocol/fields/target.ts'
import { member, parse } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Answer } from '../../protocol/send.ts'
import { ask } from '../ask.ts'
import type { Lent, Route } from '../provider.ts'
import { doorFor } from './door.ts'
import { invokeEnvelope } from './invoke.ts'
import { formOf } from './wires.ts'

/** The input tokens of a call; undefined for a model that cannot be counted. */
export async function countTokens(call: Call, route: Route, lent: Lent): Promise<number | undefined> {
  const { countPath } = formOf(route.upstream.wire)
  return countPath === undefined ? onRuntime(call, route, lent) : byMessages(countPath, call, route, lent)
}

async function byMessages(path: string, call: Call, route: Route, lent: Lent): Promise<number | undefined> {
  const { upstream, model, modelId } = route
  const target = {
    wire: upstream.wire,
    model,
    omit: NOTHING_OMITTED,
    secret: lent.secret,
    hashes: lent.hashes,
  }
  const { body, betas } = await adapt(call, target, countEnvelope(call, modelId))
  return ask(
    { path, headers: messagesHeaders(betas), body, take: count('input_tokens') },
    doorFor(call, route, lent),
    call,
    route,
    lent,
  )
}

async function onRuntime(call: Call, route: Route, lent: Lent): Promise<number | undefined> {
  const { model } = route
  if (!model || model.generation > 4.6) return undefined
  const target = {
    wire: 'invoke',
    model,
    omit: NOTHING_OMITTED,
    secret: lent.secret,
    hashes: lent.hashes,
  } as const
  const invocation = toBase64((await adapt(call, target, invokeEnvelope(maxTokens(call)))).body)
  const body = new TextEncoder().encode(JSON.stringify({ input: { invokeModel: { body: invocation } } }))
  const path = `/model/${encodeURIComponent(model.bedrockId)}/count-tokens`
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  return ask(
    { path, headers, body, take: count('inputTokens') },
    doorFor(call, route, lent),
    call,
    route,
    lent,
  )
}

function count(key: string): (response: Answer) => Promise<number | undefined> {
  return async (response) => countedIn(await wholeBody(response, 'Amazon Bedrock'), key)
}

/** Bedrock wants `max_tokens` here too, and more of them than the thinking budget. */
function maxTokens({ body, outline: root }: Call): number | undefined {
  if (member(root, 'max_tokens')) return undefined
  const budget = member(member(root, 'thinking'), 'budget_tokens')
  const tokens = budget && parse<unknown>(body, budget)
  return typeof tokens === 'number' ? tokens + 1 : 1
}
