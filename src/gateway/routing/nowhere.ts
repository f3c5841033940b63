/** What is said to a call that no upstream may take: of each of them why, in words for whoever sent it. */
import { GatewayError } from '../../errors.ts'
import { modelNamed } from '../../protocol/models.ts'
import type { Reason } from './choice.ts'
import { MODEL_NOT_ALLOWED, type Out, type Question } from './eligible.ts'
import { isWithin } from './geography.ts'
import { type Configured, upstreamFor } from './upstreams.ts'

/**
 * The refusal: policy_blocked where it is a policy's doing, not_found_error where nobody has the model, api_error where
 * those that might have it are switched off or not set up.
 * @param allowed names of models that may be asked for
 */
export function nowhere(
  all: readonly Configured[],
  out: readonly Out[],
  question: Question,
  allowed: readonly string[],
): GatewayError {
  const { name, at } = question
  if (all.length === 0)
    return new GatewayError('api_error', 'No upstream is set up here. Ask whoever runs this gateway.')
  const asked = out.filter(({ reason, detail }) => reason !== 'not_asked' || detail !== undefined)
  if (at !== undefined && asked.length === 0) return noSuchUpstream(all, at)
  const may = allowed.join(', ') || 'none'
  const why = asked.length > 1 ? ` ${reasons(asked)}` : ''
  if (asked.some(({ detail }) => detail === MODEL_NOT_ALLOWED))
    return new GatewayError('policy_blocked', `This key may not use the model '${name}'. It may use ${may}.`)
  if (asked.some(({ reason }) => POLICYS.has(reason)))
    return new GatewayError(
      'policy_blocked',
      `The routing policy keeps the model '${name}' from every upstream that has it. ${reasons(asked)} ` +
        'Ask whoever runs this gateway.',
    )
  const broken = asked.find(({ reason }) => reason === 'misconfigured')
  if (broken) return misconfigured(broken, why)
  if (asked.every(({ reason }) => reason === 'disabled'))
    return new GatewayError(
      'api_error',
      `Every upstream that could take this is switched off. Ask whoever runs this gateway.`,
      { status: 503 },
    )
  // A provider that says why it has no such model says it best.
  const [only] = asked
  if (asked.length === 1 && only?.detail !== undefined && only.reason === 'no_model')
    return new GatewayError('not_found_error', only.detail)
  const elsewhere =
    asked.map((each) => beyondProfile(each, question)).find((sentence) => sentence !== '') ?? ''
  return new GatewayError(
    'not_found_error',
    `model: '${name}' is not available here.${elsewhere}${why} Available: ${may}.`,
  )
}

const POLICYS: ReadonlySet<Reason> = new Set(['geography', 'provider', 'not_allowed'])

/** In the words of whoever found it; of several upstreams the first that is not set up. */
function misconfigured({ cause, detail }: Out, why: string): GatewayError {
  const sentence = detail ?? 'An upstream is not set up.'
  return new GatewayError('api_error', `${sentence}${why}`, {
    cause,
    ...(cause?.retry === undefined ? {} : { retry: cause.retry }),
    operator: cause?.operator,
  })
}

/** Names of upstreams are an admin's; those of the environment go by their kind. */
function noSuchUpstream(all: readonly Configured[], at: string): GatewayError {
  const names = all.flatMap(({ kind, name, id }) => (id.startsWith('upstream_') ? [kind, name] : [kind]))
  return new GatewayError(
    'not_found_error',
    `There is no upstream '${at}' here. There is: ${[...new Set(names)].join(', ')}.`,
  )
}

/** Plain names stay within an upstream's geography: how to leave it, for those who may. */
function beyondProfile({ configured, reason }: Out, { name, policy, principal }: Question): string {
  const model = modelNamed(name)
  if (reason !== 'no_model' || !model?.profiles.includes('global')) return ''
  const mayLeave = policy.bounds.every(({ geographies }) => !geographies || isWithin(['global'], geographies))
  if (!mayLeave || upstreamFor(configured, principal).profile === undefined) return ''
  return ` It is not offered in this gateway's geography; to leave that, ask for 'global.${model.bedrockId}'.`
}

const WORDS: Readonly<Record<Reason, string>> = {
  disabled: 'it is switched off',
  misconfigured: 'it is not set up',
  not_asked: 'another upstream is asked for',
  no_model: 'it does not have this model',
  not_allowed: 'it may not be used',
  provider: 'its provider is not allowed',
  geography: 'it runs elsewhere than allowed',
  unhealthy: 'it is not healthy',
  breaker_open: 'it has just failed',
  no_headroom: 'its account has no room just now',
}

/** What a reason means, to whoever sent the call. */
export function inWords(reason: Reason, detail: string | undefined): string {
  // What is wrong with the gateway's own settings and accounts is for its admins.
  if (reason === 'misconfigured' || reason === 'unhealthy' || detail === undefined) return WORDS[reason]
  return reason === 'not_asked' ? detail : `${WORDS[reason]} (${detail})`
}

function reasons(out: readonly Out[]): string {
  return `${out.map(({ configured, reason, detail }) => `${configured.name}: ${inWords(reason, detail)}`).join('; ')}.`
}
