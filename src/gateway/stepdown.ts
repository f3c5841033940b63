/**
 * Which way a call goes under the budgets that hold for it. Where one of them is so far spent that its policy steps down,
 * another model answers: one that the principal may use, and said in a header. Each step may bring other budgets in.
 */
import { GatewayError } from '../errors.ts'
import type { Call } from '../protocol/messages.ts'
import { nameOfRun } from '../protocol/models.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { type Account, accountsOf, verdictOn } from './budgets.ts'
import { matches } from './models.ts'
import { route } from './route.ts'
import type { Choice } from './routing/choice.ts'
import { namesOf } from './routing/eligible.ts'
import type { Calendar } from './windows.ts'

/** Where a call goes, and the budgets it is paid from. */
export interface Course {
  choice: Choice
  accounts: readonly Account[]
  /** The model that answers instead of the one asked for, and the budget that wants it so. */
  step: { model: string; account: Account } | undefined
  /** A budget that wants another model, where there is none that may answer. */
  stuck: Account | undefined
}

/** Steps at the most: budgets may send a call to and fro. */
const MOST_STEPS = 5

/** Where no budget holds. */
export function straight(choice: Choice): Course {
  return { choice, accounts: NONE, step: undefined, stuck: undefined }
}

const NONE: readonly Account[] = []

/** @throws GatewayError as `accountsOf` does. */
export async function courseOf(
  runtime: Runtime,
  calendar: Calendar,
  principal: Principal,
  call: Call,
  asked: Choice,
): Promise<Course> {
  let course = straight(asked)
  const tried = new Set<string>()
  for (let steps = 0; ; steps++) {
    const names = namesOf(course.choice.routes[0], course.step?.model ?? call.model)
    const ran = [nameOfRun(course.choice.routes[0])]
    const covering = principal.budgets.filter(({ model }) => isNamed(model, ran))
    const accounts = await accountsOf(runtime, calendar, covering, call.startedAt)
    course = { ...course, accounts }
    const account = accounts.find((each) => wantsAnother(each, names, tried))
    const model = account && verdictOn(account).stepDown
    if (!account || model === undefined || steps === MOST_STEPS) return course
    tried.add(model)
    const choice = await choiceOf(runtime, principal, { ...call, model })
    if (!choice) return { ...course, stuck: account }
    course = { ...course, choice, step: { model, account } }
  }
}

function wantsAnother(account: Account, names: readonly string[], tried: ReadonlySet<string>): boolean {
  const { stepDown } = verdictOn(account)
  return stepDown !== undefined && !names.includes(stepDown) && !tried.has(stepDown)
}

/** Undefined where there is no such model here, or this principal may not use it. */
async function choiceOf(runtime: Runtime, principal: Principal, call: Call): Promise<Choice | undefined> {
  try {
    return await route(runtime, principal, call)
  } catch (error) {
    if (error instanceof GatewayError && error.status < 500) return undefined
    throw error
  }
}

/** Whether a pattern, of which an empty one is every model, means one of these names. */
export function isNamed(pattern: string, names: readonly string[]): boolean {
  return pattern === '' || names.some((name) => matches(pattern, name))
}
