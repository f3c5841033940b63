/** Budgets, every pair of them: who is let through, who is not, and which budget it was. */
import { expect, test } from 'vitest'
import type { BudgetRow } from '../../src/data/budgets.ts'
import { GatewayError } from '../../src/errors.ts'
import { spentAt } from '../data/rows.ts'
import { testRuntime } from '../runtime.ts'
import { ask, budgetWith, DOLLAR, payer } from './limitstage.ts'

const SPENT = 5 * DOLLAR
const CAPS = { null: null, zero: 0, under: SPENT + 1, at: SPENT, over: SPENT - 1 } as const
type State = keyof typeof CAPS

const SUBJECTS = {
  organisation: '',
  team: 'team_1',
  user: 'user_1',
  member: 'team_1',
  everybody: '',
  key: 'key_1',
} as const
type Scope = keyof typeof SUBJECTS

/** The call is for an Opus, and so was what was spent. */
const MODELS = ['', 'claude-opus-*', 'claude-sonnet-*'] as const

interface Entry {
  scope: Scope
  model: (typeof MODELS)[number]
  state: State
}

const ENTRIES: Entry[] = (Object.keys(SUBJECTS) as Scope[]).flatMap((scope) =>
  MODELS.flatMap((model) => (Object.keys(CAPS) as State[]).map((state) => ({ scope, model, state }))),
)

/** What should become of it, said independently: the places in the list of those that may decide. */
function closing(entries: readonly Entry[]): number[] {
  const rank = { user: 1, member: 2, everybody: 3 } as Partial<Record<Scope, number>>
  return entries.flatMap((entry, index) => {
    const mine = rank[entry.scope]
    const superseded =
      mine !== undefined &&
      entries.some((other) => other.model === entry.model && (rank[other.scope] ?? mine) < mine)
    const counts = !superseded && entry.model !== 'claude-sonnet-*'
    return counts && entry.state !== 'null' && entry.state !== 'under' ? [index] : []
  })
}

function rowOf({ scope, model, state }: Entry): BudgetRow {
  return budgetWith({ scope, subject: SUBJECTS[scope], model, capNano: CAPS[state] })
}

async function outcome(entries: readonly Entry[]) {
  const runtime = testRuntime()
  const budgets = entries.map(rowOf)
  runtime.budgets.push(...budgets)
  runtime.rows.push(spentAt(runtime.now(), SPENT, { userId: 'user_1', teamId: 'team_1' }))
  const who = await payer(runtime, { userId: 'user_1', teamId: 'team_1' })
  const refusal = await ask(runtime, who).then(
    () => undefined,
    (error: unknown) => error,
  )
  await runtime.settled()
  return { refusal, rows: runtime.rows.slice(1), ids: budgets.map(({ id }) => id) }
}

/** Two of one place cannot be: there is one budget of a subject, model and window. */
const PAIRS = ENTRIES.flatMap((one, index) =>
  ENTRIES.slice(index + 1)
    .filter((other) => one.scope !== other.scope || one.model !== other.model)
    .map((other) => [one, other] as const),
)

const named = (entries: readonly Entry[]) =>
  entries.map(({ scope, model, state }) => `${scope} ${model} ${state}`).join(' + ')

/** What is wrong with how it went. */
async function faults(entries: readonly Entry[]): Promise<string[]> {
  const { refusal, rows, ids } = await outcome(entries)
  const deciding = closing(entries).map((index) => ids[index])
  if (deciding.length === 0) return refusal === undefined && rows.length === 0 ? [] : [named(entries)]
  const [row] = rows
  const isRight =
    refusal instanceof GatewayError &&
    refusal.type === 'billing_error' &&
    rows.length === 1 &&
    row?.budgetAction === 'block' &&
    row.status === 'refused' &&
    row.costNano === 0 &&
    deciding.includes(row.budgetId ?? '')
  return isRight ? [] : [named(entries)]
}

test('each alone: let through where there is no cap or less is spent; else refused', async () => {
  expect(ENTRIES).toHaveLength(90)
  expect((await Promise.all(ENTRIES.map((entry) => faults([entry])))).flat()).toEqual([])
})

test('every pair: all that apply must pass, and the one that did not is on the row', {
  timeout: 120_000,
}, async () => {
  const wrong: string[] = []
  for (const pair of PAIRS) wrong.push(...(await faults(pair)))
  expect(wrong).toEqual([])
  const refusing = PAIRS.filter((pair) => closing(pair).length > 0).length
  console.log(`${PAIRS.length} pairs, of which ${refusing} refuse`)
  expect(refusing).toBe(2430)
})

test('what is on the row of a refusal', async () => {
  const { rows } = await outcome([{ scope: 'team', model: '', state: 'over' }])
  expect(rows).toEqual([
    expect.objectContaining({
      status: 'refused',
      attempts: 0,
      costNano: 0,
      errorType: 'billing_error',
      budgetAction: 'block',
      keyId: 'key_1',
      userId: 'user_1',
      teamId: 'team_1',
      day: '2026-11-20',
      model: 'claude-opus-5-5',
      modelId: 'us.anthropic.claude-opus-5-5',
    }),
  ])
})
