/** Which limits and budgets hold for a principal: looked up once a key, with the defaults resolved. */
import type { BudgetRow, Spender } from '../data/budgets.ts'
import type { Key } from '../data/keys.ts'
import type { Rule } from '../data/tables/money.ts'
import type { Remembered, Runtime } from '../runtime.ts'
import type { WindowKind } from './windows.ts'

/** What somebody, or something, may send. Null is no limit. */
export interface Allowance {
  scope: 'key' | 'user' | 'team' | 'model' | 'organisation'
  /** An id; of a model its pattern, of the organisation nothing. */
  subject: string
  /** As people know it. */
  name: string
  requestsPerMinute: number | null
  tokensPerMinute: number | null
  /** Calls under way at once. */
  concurrent: number | null
}

/** A budget that has a cap, as it holds for one principal. */
export interface Budget extends WindowKind {
  id: string
  scope: BudgetRow['scope']
  /** Counts only models that match this pattern; empty is all of them. */
  model: string
  /** Nano-dollars. */
  cap: number
  raise: number
  /** In milliseconds since 1970. */
  raiseUntil: number
  rules: readonly Rule[]
  /** Names its account, but for the window. */
  account: string
  /** Whose rows of the ledger count. */
  spender: { teamId?: string; userId?: string; keyId?: string }
  /** Whose it is, as people know them: of one user where it is the default of many. */
  owner: string
}

export interface Rules {
  /** All of them hold. */
  limits: readonly Allowance[]
  budgets: readonly Budget[]
}

const TRUST = 60_000

/** A key, with its user and its team where it has them. */
interface Standing {
  key: Limited & Pick<Key, 'userId' | 'teamId'>
  user: Limited | null
  team: Limited | null
}

export async function rulesFor(runtime: Runtime, { key, user, team }: Standing): Promise<Rules> {
  const spender = { keyId: key.id, userId: key.userId ?? undefined, teamId: key.teamId ?? undefined }
  const [common, rows] = await Promise.all([
    commonAllowances(runtime),
    runtime.data.budgets.applying(spender),
  ])
  const own = [
    allowanceOf('key', key),
    ...(user ? [allowanceOf('user', user)] : []),
    ...(team ? [allowanceOf('team', team)] : []),
  ]
  const nameOf = (scope: Allowance['scope']) => own.find((each) => each.scope === scope)?.name ?? ''
  return {
    limits: [...own, ...common].filter(limitsAnything),
    budgets: resolved(rows).flatMap((row) =>
      row.capNano === null ? [] : budgetOf(row, row.capNano, spender, nameOf),
    ),
  }
}

type Limited = Pick<Allowance, 'name' | 'requestsPerMinute' | 'tokensPerMinute' | 'concurrent'> & {
  id: string
}

function allowanceOf(scope: Allowance['scope'], { id, name, ...row }: Limited): Allowance {
  const { requestsPerMinute, tokensPerMinute, concurrent } = row
  return { scope, subject: id, name, requestsPerMinute, tokensPerMinute, concurrent }
}

/** Those that hold for everybody, whatever the key. */
function commonAllowances({ cache, data, config }: Runtime): Promise<Allowance[]> {
  return cache.remember(COMMON_LIMITS, async (): Promise<Remembered<Allowance[]>> => {
    const rows = await data.limits.all()
    return {
      value: rows.map((row) => ({ ...row, name: row.subject })),
      ttl: TRUST,
      grace: config.outageGrace,
    }
  })
}

/** What the cache knows the limits of the organisation and of models by. */
export const COMMON_LIMITS = 'common-limits'

function limitsAnything({ requestsPerMinute, tokensPerMinute, concurrent }: Allowance): boolean {
  return requestsPerMinute !== null || tokensPerMinute !== null || concurrent !== null
}

/** What is a user's own goes before the team's default for its members, and that before everybody's. */
const OWN_FIRST: readonly BudgetRow['scope'][] = ['user', 'member', 'everybody']

/** Of the budgets that are a user's by whatever way, one for each model and window; of the others every one. */
export function resolved(rows: readonly BudgetRow[]): BudgetRow[] {
  const personal = new Map<string, BudgetRow>()
  const others: BudgetRow[] = []
  for (const row of rows) {
    const rank = OWN_FIRST.indexOf(row.scope)
    const place = JSON.stringify([row.model, row.window, row.hours])
    const rival = personal.get(place)
    if (rank < 0) others.push(row)
    else if (!rival || rank < OWN_FIRST.indexOf(rival.scope)) personal.set(place, row)
  }
  return [...others, ...personal.values()]
}

/** A budget as it holds for a spender. */
export function budgetOf(
  row: BudgetRow,
  cap: number,
  { keyId, userId, teamId }: Spender,
  nameOf: (scope: Allowance['scope']) => string,
): Budget {
  const { id, scope, model, window, hours, rules } = row
  const shared = scope === 'organisation' || scope === 'team' || scope === 'key'
  const spender = {
    ...(scope === 'key' ? { keyId } : {}),
    ...((scope === 'team' || scope === 'member') && teamId !== undefined ? { teamId } : {}),
    ...(!shared && userId !== undefined ? { userId } : {}),
  }
  return {
    id,
    scope,
    model,
    window,
    hours,
    cap,
    raise: row.raiseNano ?? 0,
    raiseUntil: row.raiseUntil?.getTime() ?? 0,
    rules,
    account: shared ? `budget:${id}` : `budget:${id}:${userId}`,
    spender,
    owner: nameOf(scope === 'member' || scope === 'everybody' ? 'user' : scope),
  }
}
