/** Budgets: what may be spent in a window, and by whom. One that is archived is kept: the ledger refers to it. */
import { and, asc, eq, gt, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { type Scope, within } from './scope.ts'
import { budgets } from './tables/money.ts'
import { keys } from './tables/people.ts'

export type BudgetRow = typeof budgets.$inferSelect
/** What is undefined stays as it is. */
export type BudgetChange = {
  [Field in 'capNano' | 'rules' | 'raiseNano' | 'raiseUntil']?: BudgetRow[Field] | undefined
}

/** Who spends. */
export interface Spender {
  keyId: string
  userId?: string | undefined
  teamId?: string | undefined
}

export interface BudgetFilter {
  scope?: BudgetRow['scope'] | undefined
  subject?: string | undefined
  /** Of a team: its pool and its default for members; of a user; of their keys; and what holds for everybody. */
  within: Scope
  after?: string | undefined
  limit: number
}

export interface Budgets {
  /** All that may apply to a spender, defaults included. */
  applying(spender: Spender): Promise<BudgetRow[]>
  byId(id: string): Promise<BudgetRow | undefined>
  /** The same; nobody else changes it before the transaction is over. */
  lock(id: string): Promise<BudgetRow | undefined>
  /** Oldest first. */
  list(filter: BudgetFilter): Promise<BudgetRow[]>
  /** Whether it is among those that `within` selects. */
  concerns(id: string, within: Scope): Promise<boolean>
  /** False where that subject, model and window has one already. */
  create(budget: BudgetRow): Promise<boolean>
  /** Undefined where there is no such budget. */
  change(id: string, change: BudgetChange): Promise<BudgetRow | undefined>
  /** Undefined where there is no such budget. */
  archive(id: string, at: Date): Promise<BudgetRow | undefined>
}

export function budgetsIn(database: Database): Budgets {
  const live = isNull(budgets.archivedAt)
  const livesAs = (id: string) => and(eq(budgets.id, id), live)

  async function byId(id: string): Promise<BudgetRow | undefined> {
    const [budget] = await database.select().from(budgets).where(livesAs(id))
    return budget
  }

  return {
    applying: (spender) =>
      database
        .select()
        .from(budgets)
        .where(and(live, or(...subjectsOf(spender)))),
    byId,
    async lock(id) {
      const [budget] = await database.select().from(budgets).where(livesAs(id)).for('update')
      return budget
    },
    list: (filter) =>
      database
        .select()
        .from(budgets)
        .where(and(live, ...conditions(filter)))
        .orderBy(asc(budgets.id))
        .limit(filter.limit),
    async concerns(id, reach) {
      const rows = await database
        .select({ id: budgets.id })
        .from(budgets)
        .where(and(livesAs(id), concerning(reach)))
      return rows.length > 0
    },
    async create(budget) {
      const made = await database
        .insert(budgets)
        .values(budget)
        .onConflictDoNothing()
        .returning({ id: budgets.id })
      return made.length > 0
    },
    async change(id, change) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      const [budget] = await database.update(budgets).set(change).where(livesAs(id)).returning()
      return budget
    },
    async archive(id, at) {
      const [budget] = await database.update(budgets).set({ archivedAt: at }).where(livesAs(id)).returning()
      return budget
    },
  }
}

function subjectsOf({ keyId, userId, teamId }: Spender): (SQL | undefined)[] {
  const of = (scope: BudgetRow['scope'], subject: string) =>
    and(eq(budgets.scope, scope), eq(budgets.subject, subject))
  const any = [of('organisation', ''), of('key', keyId)]
  if (teamId !== undefined) any.push(of('team', teamId))
  if (userId !== undefined) any.push(of('user', userId), of('everybody', ''))
  if (userId !== undefined && teamId !== undefined) any.push(of('member', teamId))
  return any
}

function conditions({ scope, subject, within: reach, after }: BudgetFilter): (SQL | undefined)[] {
  const list: (SQL | undefined)[] = [concerning(reach)]
  if (scope !== undefined) list.push(eq(budgets.scope, scope))
  if (subject !== undefined) list.push(eq(budgets.subject, subject))
  if (after !== undefined) list.push(gt(budgets.id, after))
  return list
}

/** Undefined is no condition. */
function concerning(reach: Scope): SQL | undefined {
  if (reach.all) return undefined
  const { teams, userId } = reach
  const theirKeys = sql`exists (select 1 from ${keys} where ${keys.id} = ${budgets.subject} and ${within(reach, { team: keys.teamId, user: keys.userId })})`
  const any = [eq(budgets.scope, 'everybody'), and(eq(budgets.scope, 'key'), theirKeys)]
  if (userId !== undefined) any.push(and(eq(budgets.scope, 'user'), eq(budgets.subject, userId)))
  if (teams.length > 0)
    any.push(and(inArray(budgets.scope, ['team', 'member']), inArray(budgets.subject, [...teams])))
  return or(...any)
}
