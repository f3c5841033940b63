/** Where a call may go: principal and call in, a choice of routes out. */
import { GatewayError } from '../errors.ts'
import { deepen, parse, values } from '../protocol/json.ts'
import type { Call } from '../protocol/messages.ts'
import { listedName, MODELS, type Model, modelBehind, modelNamed } from '../protocol/models.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { healthOf } from './health.ts'
import { allows } from './models.ts'
import { resolved } from './resolve.ts'
import type { Choice } from './routing/choice.ts'
import { choose } from './routing/choose.ts'
import { eligible, foundAt, goesBy, type Question, UNTROUBLED } from './routing/eligible.ts'
import { looksFor } from './routing/looks.ts'
import { nowhere } from './routing/nowhere.ts'
import { geographiesIn, type Policy, policyOf } from './routing/policy.ts'
import { type Configured, configured, waysOf } from './routing/upstreams.ts'
import { keepWay } from './routing/ways.ts'

/** Whose call it is, as far as that decides where it may go. */
type Asker = Pick<Principal, 'keyId' | 'userId' | 'teamId' | 'models' | 'routing'>

/**
 * The routes of a call, best first. To have its tokens counted takes no room, and keeps no session anywhere.
 * @throws GatewayError not_found_error naming what is allowed; policy_blocked for a model that this principal may not
 *   use, or that a policy keeps from it; api_error where an upstream lacks what it needs.
 */
export async function route(
  runtime: Runtime,
  principal: Principal,
  call: Call,
  wants: 'answer' | 'count' = 'answer',
): Promise<Choice> {
  const others = fallbacks(call)
  // Taken before anything is asked: what comes of it is kept with what it came of.
  const ways = others.length === 0 ? waysOf(runtime, principal) : undefined
  const known = ways?.get(call.model)
  if (known) return known
  const all = await configured(runtime)
  const policy = await policyOf(runtime, principal)
  const question = await questionOf(runtime, all, { policy, principal, asked: call.model })
  // Of one there is nothing to know: it is that or none.
  const answered = wants === 'answer' ? call : undefined
  const judged = eligible(all, question, all.length > 1 ? looksFor(runtime, answered) : UNTROUBLED)
  const choice = await choose(
    runtime,
    { principal, call, policy: answered ? policy : loosely(policy) },
    judged,
  )
  if (!choice) throw nowhere(all, judged.out, question, (await modelsFor(runtime, principal)).map(listedName))
  for (const fallback of others) {
    const model = modelNamed(fallback)
    const names = model ? [model.name, listedName(model), fallback] : [fallback]
    if (!allows(principal.models, names, model !== undefined)) {
      throw new GatewayError('policy_blocked', `This key may not fall back to the model '${fallback}'.`)
    }
  }
  const within = geographiesIn(policy)
  const whole = within.length === 0 ? choice : { ...choice, within }
  // What an ARN leads to may be found out yet, and how several upstreams stand changes all the time.
  if (ways && all.length === 1 && !question.known) keepWay(ways, call.model, whole)
  return whole
}

/** What leaves no cache behind need not go where one is: nobody is asked where that would be. */
function loosely(policy: Policy): Policy {
  return policy.strategy === 'sticky' ? { ...policy, strategy: 'weighted' } : policy
}

interface Asked {
  policy: Policy
  principal: Asker
  asked: string
}

/** What is asked for, with what has to be looked up of it. */
export async function questionOf(
  runtime: Runtime,
  all: readonly Configured[],
  { policy, principal, asked }: Asked,
): Promise<Question> {
  const { at, name } = addressed(all, asked.replace(/\[1m\]$/, ''))
  const question: Question = { name, at, policy, models: principal.models, principal }
  if (!name.startsWith('arn:')) return question
  const behind = new Map<string, Route>()
  for (const each of all) {
    const found = foundAt(each, question)
    if (found) behind.set(each.id, await resolved(runtime, found))
  }
  return { ...question, known: (found) => behind.get(found.upstream.id) ?? found }
}

/** A name may say which upstream it is for, as in `anthropic/claude-opus-5`, by the upstream's own name or its kind. */
function addressed(all: readonly Configured[], asked: string): { at: string | undefined; name: string } {
  const slash = asked.indexOf('/')
  if (slash <= 0 || asked.startsWith('arn:')) return { at: undefined, name: asked }
  const at = all.some((each) => goesBy(each, asked.slice(0, slash))) ? slash : endOfName(all, asked, slash)
  if (at === undefined) return { at, name: asked }
  return { at: asked.slice(0, at), name: asked.slice(at + 1) }
}

/** A name may hold a slash of its own; and what could be nobody's names no upstream. */
function endOfName(all: readonly Configured[], asked: string, slash: number): number | undefined {
  const whole = all.find(({ name }) => asked.toLowerCase().startsWith(`${name.toLowerCase()}/`))?.name
  return whole?.length ?? (/^[a-z][a-z0-9-]*$/i.test(asked.slice(0, slash)) ? slash : undefined)
}

/** Models that a call names beside its own: an upstream of Anthropic's may answer with one of them. */
function fallbacks({ body, outline: root }: Call): readonly string[] {
  const said = values(root, 'fallbacks')
  if (said.length === 0) return NONE
  const list = said.flatMap((each) => deepen(body, each).elements ?? [])
  return list.flatMap((each) =>
    values(deepen(body, each), 'model').map((model) => String(parse(body, model))),
  )
}

const NONE: readonly string[] = []

/** What a principal may use here, newest first: whatever its plain name leads somewhere healthy for. */
export async function modelsFor(runtime: Runtime, principal: Asker): Promise<Model[]> {
  const all = await configured(runtime)
  const policy = await policyOf(runtime, principal)
  const looks = { ...UNTROUBLED, health: healthOf }
  const usable = modelsIn(all).filter(({ name }) => {
    const question = { name, at: undefined, policy, models: principal.models, principal }
    return eligible(all, question, looks).fit.length > 0
  })
  return usable.toSorted((a, b) => dayOf(b).localeCompare(dayOf(a)))
}

/** Those that are shipped, and those that came out later and are offered somewhere; each name once. */
function modelsIn(all: readonly Configured[]): Model[] {
  const byName = new Map(MODELS.map((model) => [model.name, model]))
  for (const { findings } of all) {
    for (const offer of findings?.offers ?? []) {
      const model = modelBehind(offer.baseId ?? offer.id)
      if (model && !byName.has(model.name)) byName.set(model.name, model)
    }
  }
  return [...byName.values()]
}

/** What came out after the table has no day in it: it is newer than all that has. */
function dayOf({ released }: Model): string {
  return released || '9999'
}
