/** Where a call may go: principal and call in, a choice of routes out. */
import { GatewayError } from '../errors.ts'
import { deepen, parse, values } from '../protocol/json.ts'
import type { Call } from '../protocol/messages.ts'
import { listedName, MODELS, type Model, modelNamed } from '../protocol/models.ts'
import { providerNamed } from '../providers/index.ts'
import type { Place, Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { allows } from './models.ts'
import { resolved } from './resolve.ts'
import { type Choice, onlyChoice } from './routing/choice.ts'
import { type Configured, configured, upstreamFor } from './routing/upstreams.ts'

/**
 * The routes of a call, best first.
 * @throws GatewayError not_found_error naming what is allowed; policy_blocked for a model this principal may not use;
 *   api_error where the gateway has not been told its AWS region.
 */
export async function route(runtime: Runtime, principal: Principal, call: Call): Promise<Choice> {
  const { place, name } = addressed(await configured(runtime), call.model.replace(/\[1m\]$/, ''))
  const upstream = upstreamFor(place, principal)
  const asked = providerNamed(upstream.provider).find(name, upstream)
  if (!asked) throw await unknownModel(runtime, principal, upstream, name)
  const found = await resolved(runtime, asked)
  if (!allows(principal.models, namesOf(found, name), found.model !== undefined)) {
    const allowed = await allowedNames(runtime, principal)
    throw new GatewayError(
      'policy_blocked',
      `This key may not use the model '${name}'. It may use ${allowed}.`,
    )
  }
  for (const fallback of fallbacks(call)) {
    const model = modelNamed(fallback)
    const names = model ? [model.name, listedName(model), fallback] : [fallback]
    if (!allows(principal.models, names, model !== undefined)) {
      throw new GatewayError('policy_blocked', `This key may not fall back to the model '${fallback}'.`)
    }
  }
  return onlyChoice(found)
}

/** Models that a call names beside its own: an upstream of Anthropic's may answer with one of them. */
function fallbacks({ body, outline: root }: Call): string[] {
  const list = values(root, 'fallbacks').flatMap((each) => deepen(body, each).elements ?? [])
  return list.flatMap((each) =>
    values(deepen(body, each), 'model').map((model) => String(parse(body, model))),
  )
}

/** What a principal may use here, newest first. */
export async function modelsFor(runtime: Runtime, principal: Principal): Promise<Model[]> {
  const [first] = await configured(runtime)
  if (!first || (first.kind === 'bedrock' && runtime.config.aws.region === undefined)) return []
  const upstream = upstreamFor(first, principal)
  const { find } = providerNamed(upstream.provider)
  const usable = MODELS.filter((model) => {
    const found = find(model.name, upstream)
    return found && allows(principal.models, namesOf(found, model.name), true)
  })
  return usable.toSorted((a, b) => b.released.localeCompare(a.released))
}

/** A name may say which upstream it is for, as in `anthropic/claude-opus-5`; the first one gets the others. */
function addressed(all: readonly Configured[], name: string): { place: Configured; name: string } {
  const [, prefix, rest] = /^([a-z]+)\/(.+)$/.exec(name) ?? []
  const place = prefix === undefined ? all[0] : all.find(({ kind }) => kind === prefix)
  if (place === undefined) {
    throw new GatewayError(
      'not_found_error',
      `There is no upstream '${prefix}' here. There is: ${all.map(({ kind }) => kind).join(', ')}.`,
    )
  }
  return { place, name: rest ?? name }
}

/** What the model of a route goes by: a pattern may mean any of it. */
export function namesOf({ model, modelId }: Route, asked: string): string[] {
  return model ? [model.name, listedName(model), modelId] : [asked, modelId]
}

async function unknownModel(
  runtime: Runtime,
  principal: Principal,
  { profile }: Place,
  name: string,
): Promise<GatewayError> {
  const model = modelNamed(name)
  const allowed = await allowedNames(runtime, principal)
  const elsewhere =
    model?.profiles.includes('global') && profile !== undefined
      ? ` It is not offered in this gateway's geography; to leave that, ask for 'global.${model.bedrockId}'.`
      : ''
  return new GatewayError(
    'not_found_error',
    `model: '${name}' is not available here.${elsewhere} Available: ${allowed}.`,
  )
}

async function allowedNames(runtime: Runtime, principal: Principal): Promise<string> {
  const models = await modelsFor(runtime, principal)
  return models.map(listedName).join(', ') || 'none'
}
