/** Budgets, limits and what was spent, in memory, as the tables behave. */
import type { BudgetRow } from '../src/data/budgets.ts'
import type { Data } from '../src/data/data.ts'
import type { LimitRow } from '../src/data/limitrows.ts'
import type { LedgerRow } from '../src/data/rows.ts'
import type { Spent } from '../src/data/spending.ts'
import { matches } from '../src/gateway/models.ts'

export function fakeBudgets(kept: BudgetRow[]): Data['budgets'] {
  const live = () => kept.filter(({ archivedAt }) => !archivedAt)
  const find = (id: string) => live().find((each) => each.id === id)
  return {
    async applying({ keyId, userId, teamId }) {
      const subjects: Record<BudgetRow['scope'], string | undefined> = {
        organisation: '',
        team: teamId,
        key: keyId,
        user: userId,
        member: userId === undefined ? undefined : teamId,
        everybody: userId === undefined ? undefined : '',
      }
      return live().filter(({ scope, subject }) => subjects[scope] === subject)
    },
    byId: async (id) => find(id),
    lock: async (id) => find(id),
    concerns: async (id) => find(id) !== undefined,
    list: async ({ scope, subject, after = '', limit }) =>
      live()
        .filter(
          (each) =>
            each.id > after &&
            (scope === undefined || each.scope === scope) &&
            (subject === undefined || each.subject === subject),
        )
        .slice(0, limit),
    async create(budget) {
      const place = ({ scope, subject, model, window, hours }: BudgetRow) =>
        JSON.stringify([scope, subject, model, window, hours])
      if (live().some((each) => place(each) === place(budget))) return false
      kept.push(budget)
      return true
    },
    async change(id, change) {
      const budget = find(id)
      const said = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
      return budget && Object.assign(budget, said)
    },
    async archive(id, at) {
      const budget = find(id)
      return budget && Object.assign(budget, { archivedAt: at })
    },
  }
}

export function fakeLimitRows(): Data['limits'] {
  let rows: LimitRow[] = []
  type Subject = Pick<LimitRow, 'scope' | 'subject'>
  const is =
    ({ scope, subject }: Subject) =>
    (row: LimitRow) =>
      row.scope === scope && row.subject === subject
  return {
    all: async () => [...rows],
    find: async (subject) => rows.find(is(subject)),
    async put(row) {
      rows = [...rows.filter((each) => !is(row)(each)), row]
    },
    async remove(subject) {
      const row = rows.find(is(subject))
      rows = rows.filter((each) => each !== row)
      return row
    },
  }
}

export function fakeSpending(rows: readonly LedgerRow[]): Data['spending'] {
  return {
    spent: async (of) =>
      rows.filter((row) => counts(row, of)).reduce((sum, { costNano }) => sum + (costNano ?? 0), 0),
  }
}

function counts(row: LedgerRow, { teamId, userId, keyId, model, days, since }: Spent): boolean {
  return (
    row.status !== 'pending' &&
    (teamId === undefined || row.teamId === teamId) &&
    (userId === undefined || row.userId === userId) &&
    (keyId === undefined || row.keyId === keyId) &&
    (model === undefined || matches(model, row.modelId.replace(/^.*anthropic\./, ''))) &&
    (!days || (row.day !== null && row.day !== undefined && days.from <= row.day && row.day <= days.to)) &&
    (!since || row.startedAt >= since)
  )
}
