/** How something that was tried out went, and what to do about it: one sentence for whoever runs the gateway. */
import { StsError } from '../../aws/sts.ts'
import { GatewayError } from '../../errors.ts'
import type { Check } from '../../protocol/findings.ts'
import type { Entrance, Upstream } from '../provider.ts'
import { ACTIONS, type Action } from './actions.ts'
import { AwsRefusal } from './control.ts'

export interface Tried<T> {
  check: Check
  value?: T
  /** It failed for want of something else, which was refused in the same breath. */
  blamed?: Check | undefined
  /** What it is instead where that was not to blame. */
  otherwise?: Check | undefined
}

/** AWS's messages may quote at length. */
const LONGEST = 300

/** Tries out what an action lets one do. Never throws. */
export async function tried<T>(action: Action, work: () => Promise<T>): Promise<Tried<T>> {
  try {
    const value = await work()
    return { check: passed(action), value }
  } catch (error) {
    return outcomeOf(action, error)
  }
}

export function passed({ name, why }: Action): Check {
  return { action: name, verdict: 'passed', says: `By it the gateway ${why}.` }
}

export function unknown(name: string, says: string): Check {
  return { action: name, verdict: 'unknown', says }
}

/** What an error says of an action. */
export function outcomeOf(action: Action, error: unknown): Tried<never> {
  if (!(error instanceof AwsRefusal)) return { check: noAnswer(action, error) }
  if (isOfCredentials(error)) {
    return {
      check: unknown(action.name, 'Not to be told until the credentials work.'),
      blamed: wrongKeys(error),
      otherwise: failed(action, error),
    }
  }
  if (!/^AccessDenied/.test(error.code) && error.status !== 403) return { check: failed(action, error) }
  const named = namedIn(error.message)
  if (named === undefined || named === action.name) return { check: denied(action, error) }
  const other = Object.values<Action>(ACTIONS).find(({ name }) => name === named)
  const blamed = denied(other ?? { ...action, name: named }, error)
  return { check: unknown(action.name, `Not to be told until ${named} is allowed.`), blamed }
}

/** `User: arn:… is not authorized to perform: bedrock:ListInferenceProfiles on resource: …` */
function namedIn(message: string): string | undefined {
  return /not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)/.exec(message)?.[1]
}

function isOfCredentials({ ofCredentials, message }: AwsRefusal): boolean {
  return ofCredentials || /make sure your API Key is valid/i.test(message)
}

function denied({ name, why }: Action, { code, message }: AwsRefusal): Check {
  return {
    action: name,
    verdict: 'refused',
    says: `${remedy(name, message)}: by it the gateway ${why}.`,
    error: code,
  }
}

/** Who says no is in AWS's words. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function remedy(name: string, message: string): string {
  if (/service control polic/.test(message))
    return `A service control policy of the AWS organisation denies ${name}: have it allow that`
  if (/permissions boundar/.test(message))
    return `The permissions boundary of the gateway's credentials denies ${name}: have it allow that`
  if (/VPC endpoint polic/.test(message))
    return `The policy of the VPC endpoint denies ${name}: have it allow that`
  if (/explicit deny/.test(message)) return `A policy denies ${name} in so many words: take that out`
  if (namedIn(message) === undefined && /access to the model/i.test(message))
    return `Get the account access to the model, and allow ${name} to the credentials of this upstream`
  return `Allow ${name} to the credentials of this upstream, as docs/iam.md has it`
}

function failed({ name, why }: Action, { code, status, message }: AwsRefusal): Check {
  const said = `${code || `status ${status}`}: ${message}`.slice(0, LONGEST)
  return {
    action: name,
    verdict: 'failed',
    says: `AWS did not do it (${said}): by it the gateway ${why}.`,
    error: code,
  }
}

function noAnswer({ name, why }: Action, error: unknown): Check {
  const cause = (error instanceof Error ? error.message : 'unknown').slice(0, LONGEST)
  return {
    action: name,
    verdict: 'failed',
    says: `It could not be asked (${cause}): by it the gateway ${why}.`,
  }
}

const CREDENTIALS = 'credentials'

function wrongKeys({ code, message }: AwsRefusal): Check {
  const says = /^Expired/.test(code)
    ? 'The credentials of this upstream have expired: give it ones that last, or that renew themselves'
    : "AWS does not know the credentials of this upstream, or the gateway's clock is wrong: set them anew"
  return {
    action: CREDENTIALS,
    verdict: 'refused',
    says: `${says} (${message.slice(0, LONGEST)}).`,
    error: code,
  }
}

export interface Entered {
  /** Whether there are credentials to go on with. */
  isIn: boolean
  checks: Check[]
}

/** Gets the credentials: what a role takes is checked by name. */
export async function enter(
  { credentials }: Pick<Upstream, 'credentials'>,
  entrance: Entrance,
): Promise<Entered> {
  const { assumes, tags } = entrance
  const names = [
    CREDENTIALS,
    ...(assumes ? [assumes] : []),
    ...(assumes && tags ? [ACTIONS.tagSession.name] : []),
  ]
  const wrong = await credentials.get().then(
    () => undefined,
    (error: unknown) => entryRefused(error, assumes),
  )
  if (!wrong) return { isIn: true, checks: names.map(gone) }
  const rest = names.filter((name) => name !== wrong.action)
  const others = rest.map((name) => unknown(name, `Not to be told until ${wrong.action} is mended.`))
  const isKnown = names.includes(wrong.action)
  const all = isKnown ? names : [...names, wrong.action]
  return {
    isIn: false,
    checks: all.flatMap((name) => [wrong, ...others].filter(({ action }) => action === name)),
  }
}

function gone(name: string): Check {
  const action = Object.values<Action>(ACTIONS).find((each) => each.name === name)
  return action ? passed(action) : { action: name, verdict: 'passed', says: 'The gateway has them.' }
}

/** The keys that a role is taken on with, and not the role. */
const OWN_KEYS =
  /^(ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|AuthFailure)/

function entryRefused(error: unknown, assumes: Entrance['assumes']): Check {
  if (error instanceof StsError) {
    const says = error.operator ?? error.message
    if (error.code === '') return { action: assumes ?? CREDENTIALS, verdict: 'failed', says }
    return { action: refusedOf(error, assumes), verdict: 'refused', says, error: error.code }
  }
  if (error instanceof GatewayError) {
    return { action: CREDENTIALS, verdict: 'refused', says: error.operator ?? error.message }
  }
  return {
    action: CREDENTIALS,
    verdict: 'failed',
    says: 'The credentials of this upstream could not be had just now.',
  }
}

function refusedOf({ code, operator = '' }: StsError, assumes: Entrance['assumes']): string {
  if (/^AccessDenied/.test(code) && operator.includes(ACTIONS.tagSession.name)) return ACTIONS.tagSession.name
  const isOwn = OWN_KEYS.test(code) && assumes !== 'sts:AssumeRoleWithWebIdentity'
  return isOwn ? CREDENTIALS : (assumes ?? ACTIONS.assumeRole.name)
}

/**
 * Each once, as the worst that was seen of it; what was blamed stands for what it is. Credentials that one question came
 * through with are not to blame for another.
 */
export function settled(tries: readonly Tried<unknown>[], entered: readonly Check[] = []): Check[] {
  const worst = new Map<string, Check>()
  const keysAreGood = tries.some((each) => 'value' in each)
  const isBlamed = (check: Check) => !(keysAreGood && check.action === CREDENTIALS)
  for (const check of entered) worse(worst, check)
  for (const { check, blamed, otherwise = check } of tries)
    worse(worst, blamed && !isBlamed(blamed) ? otherwise : check)
  for (const { blamed } of tries) if (blamed && isBlamed(blamed)) worse(worst, blamed)
  return [...worst.values()]
}

function worse(worst: Map<string, Check>, check: Check) {
  const known = worst.get(check.action)
  if (!known || GRAVITY[check.verdict] > GRAVITY[known.verdict]) worst.set(check.action, check)
}

const GRAVITY: Readonly<Record<Check['verdict'], number>> = { passed: 0, unknown: 1, failed: 2, refused: 3 }
