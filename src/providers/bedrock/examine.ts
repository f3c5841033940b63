/**
 * The doctor of an upstream on AWS: all that calls and surveys need, tried out. A call is sent that AWS must refuse as
 * invalid, for which it has to let it in first, and which costs nothing.
 */
import type { Check, Offer } from '../../protocol/findings.ts'
import { MODELS } from '../../protocol/models.ts'
import type { Route, Surveying, Upstream } from '../provider.ts'
import { ACTIONS, type Action } from './actions.ts'
import { askedAccess } from './availability.ts'
import { enter, passed, settled, type Tried, tried, unknown } from './checks.ts'
import { AwsRefusal, askControl, question, wordOf } from './control.ts'
import { applicationNamed, systemProfiles } from './discover.ts'
import { find } from './names.ts'
import { modelOf } from './offers.ts'
import { platformModels } from './platform.ts'
import { quotasOf } from './quotas.ts'
import { wrongProfiles } from './survey.ts'
import { formOf } from './wires.ts'

type Asker = { upstream: Upstream; lent: Surveying }

/** See `Provider.examine`. */
export async function examine(upstream: Upstream, lent: Surveying): Promise<Check[]> {
  const { isIn, checks: entered } = await enter(upstream, lent.entrance)
  if (!isIn) return entered
  const asker = { upstream, lent }
  const isKey = 'bearer' in (await upstream.credentials.get())
  if (upstream.wire === 'claude-platform') {
    const tries = await Promise.all([
      probeCall(asker),
      probeCount(asker),
      tried(ACTIONS.platformModels, () => platformModels(asker)),
    ])
    return settled([...keyTried(isKey, ACTIONS.platformBearer), ...tries], entered)
  }
  const [call, count, account, forms, quotas] = await Promise.all([
    probeCall(asker),
    probeCount(asker),
    accountOf(asker),
    formsOf(asker),
    isKey ? NO_QUOTAS : tried(ACTIONS.quotas, () => quotasOf(asker, lent.quotasEndpoint)),
  ])
  const [useCase, retention] = forms
  const ordered = [
    ...keyTried(isKey, ACTIONS.bearer),
    call,
    ...useCase,
    ...account,
    count,
    ...retention,
    quotas,
  ]
  return settled(ordered, entered)
}

const NO_QUOTAS: Tried<never> = {
  check: unknown(
    ACTIONS.quotas.name,
    'An API key for Bedrock does not open Service Quotas: what the account has is learned from being throttled.',
  ),
}

/** Passed, unless one of the others was refused for want of it. */
function keyTried(isKey: boolean, action: Action): Tried<never>[] {
  return isKey ? [{ check: passed(action) }] : []
}

/** A model that is there, by its plain name: the smallest, as far as it matters for a call that is to be refused. */
function someRoute(upstream: Upstream): Route | undefined {
  const plain = { ...upstream, profiles: {} }
  const names = MODELS.map(({ name }) => name).toSorted((a, b) => weightOf(a) - weightOf(b))
  for (const name of names) {
    try {
      const route = find(name, plain)
      if (route) return route
    } catch {
      // it may not be used: another may
    }
  }
  return undefined
}

function weightOf(name: string): number {
  return name.includes('haiku') ? 0 : 1
}

async function probeCall(asker: Asker): Promise<Tried<unknown>> {
  const { wire } = asker.upstream
  const action = CALLS[wire as keyof typeof CALLS] ?? ACTIONS.invoke
  const route = someRoute(asker.upstream)
  if (!route) return { check: unknown(action.name, 'There is no model here that could be tried.') }
  const isMessages = route.upstream.wire !== 'invoke'
  const body = isMessages ? JSON.stringify({ model: route.modelId }) : '{}'
  return tried(action, () => probe(formOf(route.upstream.wire).path(route.modelId), body, asker))
}

const CALLS = {
  invoke: ACTIONS.invoke,
  'runtime-messages': ACTIONS.invoke,
  mantle: ACTIONS.mantle,
  'claude-platform': ACTIONS.platform,
} as const

async function probeCount(asker: Asker): Promise<Tried<unknown>> {
  const { wire } = asker.upstream
  const { countPath } = formOf(wire)
  if (countPath !== undefined) {
    const action = wire === 'mantle' ? ACTIONS.mantleCount : ACTIONS.platformCount
    return tried(action, () => probe(countPath, '{}', asker))
  }
  // The runtime counts for models that it serves without a profile: the newest of those.
  const countable = MODELS.find(({ name, generation }) => generation <= 4.6 && name.includes('haiku'))
  const path = `/model/${encodeURIComponent(countable?.bedrockId ?? '')}/count-tokens`
  return tried(ACTIONS.count, () => probe(path, '{}', asker))
}

/** @throws AwsRefusal unless it was let in: then it was refused as invalid, or for want of room. */
async function probe(path: string, body: string, asker: Asker): Promise<void> {
  const { endpoint, wire, headers = {} } = asker.upstream
  const { service } = formOf(wire)
  const sent = { 'content-type': 'application/json', ...headers }
  const version = service === 'bedrock' && !path.startsWith('/anthropic') ? {} : VERSION
  try {
    const url = `${endpoint}${path}`
    await question({ method: 'POST', url, service, headers: { ...sent, ...version }, body }, asker)
  } catch (error) {
    const isLetIn =
      error instanceof AwsRefusal &&
      !error.ofCredentials &&
      (error.status === 400 || error.status === 429 || /^Validation|^Throttling/.test(error.code))
    if (!isLetIn) throw error
  }
}

const VERSION = { 'anthropic-version': '2023-06-01' }

/** What the account is offered, has access to, and what its own profiles lead to. */
async function accountOf(asker: Asker): Promise<Tried<unknown>[]> {
  const { upstream } = asker
  const wanted = [...new Set(Object.values(upstream.profiles ?? {}))]
  const listed = await tried(ACTIONS.list, () => systemProfiles(asker))
  const known = { checks: [], ...(upstream.offers ? { offers: upstream.offers } : {}) }
  const [access, some, ...own] = await Promise.all([
    askedAccess(asker, listed.value ?? upstream.offers, known),
    tried(ACTIONS.profile, () => aProfile(asker, listed.value)),
    ...wanted.map((arn) => tried(ACTIONS.profile, () => applicationNamed(arn, asker))),
  ])
  const offers = own.flatMap(({ value }) => value ?? [])
  const wrong = wrongProfiles(upstream, offers).map((check) => ({ check }))
  return [accessTo(listed.value?.map(access.judged), access), listed, some, ...own, ...wrong, access]
}

/** One that is there, so that asking for it shows nothing but whether that is allowed. */
async function aProfile(asker: Asker, listed: readonly Offer[] | undefined): Promise<void> {
  const id = listed?.[0]?.id ?? someRoute(asker.upstream)?.modelId
  if (id !== undefined) await askControl(`/inference-profiles/${encodeURIComponent(id)}`, asker)
}

const ACCESS = 'model access'

function accessTo(offers: readonly Offer[] | undefined, { check }: Tried<unknown>): Tried<never> {
  if (!offers || check.verdict !== 'passed')
    return { check: unknown(ACCESS, 'Not to be told until models may be listed and asked about.') }
  const refused = offers.filter((offer) => offer.refused !== undefined)
  const names = [...new Set(refused.map((offer) => modelOf(offer)?.name ?? offer.id))]
  if (names.length === 0)
    return {
      check: { action: ACCESS, verdict: 'passed', says: 'The account may call every model it is offered.' },
    }
  const says =
    `These models are left out, as the account may not call them: ${names.join(', ')}. If they are wanted, ask for ` +
    "access in Bedrock's model catalog."
  return { check: { action: ACCESS, verdict: 'refused', says } }
}

const USE_CASE = 'use case form'
const RETENTION = 'data retention'

/** What AWS and Anthropic want of an account beside permissions. */
async function formsOf(asker: Asker): Promise<[Tried<unknown>[], Tried<unknown>[]]> {
  const [form, retention] = await Promise.all([
    tried(ACTIONS.useCase, () => useCaseOf(asker)),
    tried(ACTIONS.retention, () => askControl('/data-retention', asker)),
  ])
  return [
    [verdictOn(USE_CASE, form, (isThere) => (isThere === true ? undefined : NO_FORM), FORM), form],
    [verdictOn(RETENTION, retention, (said) => keptWrong(wordOf(said, 'mode')), KEPT), retention],
  ]
}

/** @throws AwsRefusal but for a form that is not there. */
async function useCaseOf(asker: Asker): Promise<boolean> {
  try {
    await askControl('/use-case-for-model-access', asker)
    return true
  } catch (error) {
    if (error instanceof AwsRefusal && error.status === 404) return false
    throw error
  }
}

const FORM = "Anthropic's use case form was submitted."
const NO_FORM =
  "Submit Anthropic's use case form once for the account, in Bedrock's model catalog: until then every call is refused."
const KEPT = 'The account keeps data in the way that Fable needs.'

function keptWrong(mode: string | undefined): string | undefined {
  if (mode === 'aws_review') return undefined
  return (
    `The data retention of the account is '${mode ?? 'not said'}', and models of the Fable family need 'aws_review': ` +
    'set it in Bedrock where they are wanted; other models do without.'
  )
}

function verdictOn<T>(
  action: string,
  { check, value }: Tried<T>,
  wrong: (value: T) => string | undefined,
  good: string,
): Tried<never> {
  if (check.verdict !== 'passed' || value === undefined)
    return { check: unknown(action, `Not to be told until ${check.action} is allowed.`) }
  const says = wrong(value)
  return { check: { action, verdict: says === undefined ? 'passed' : 'refused', says: says ?? good } }
}
