/** Budgets as the admin API takes and shows them. Amounts are integers in nano-dollars: 1000000000 is a dollar. */
import { z } from '@hono/zod-openapi'
import type { BudgetRow } from '../../data/budgets.ts'
import type { Rule } from '../../data/tables/money.ts'
import type { BudgetStanding } from '../../gateway/budgetstanding.ts'
import { faultIn, HIGHEST, HIGHEST_CAP, MOST_RULES, PRESETS, presetOf } from '../../gateway/policies.ts'
import { modelNamed } from '../../protocol/models.ts'
import { instant } from './fields.ts'
import { text } from './resource.ts'

export const scope = z
  .enum(['organisation', 'team', 'user', 'key', 'member', 'everybody'])
  .describe(
    'Whose spending it caps: `team` that of all members together, `member` that of each member of the team, ' +
      '`everybody` that of each user. A user has the budget of their own, else that of their team, else that of everybody.',
  )

export const subject = text(128).describe(
  'The id of that team, user or key; empty for organisation and everybody.',
)

const window = z
  .enum(['day', 'week', 'month', 'quarter', 'rolling'])
  .describe("Calendar windows are of the organisation's time zone; weeks begin on Monday.")

const nano = (least: number) => z.int().min(least).max(HIGHEST_CAP)
const cap = nano(0)
  .nullable()
  .describe(
    'Nano-dollars: 1000000000 is one dollar. Null is no cap, which sets a user apart from a default; 0 is nothing at all.',
  )

const rule = z
  .strictObject({
    at: z.int().min(1).max(HIGHEST).describe('Percent of the cap.'),
    action: z.enum(['notify', 'slow', 'step_down', 'block']),
    requests_per_minute: z.int().min(1).max(1_000_000).optional().describe('Of slow.'),
    model: text(200).min(1).optional().describe('Of step_down: the model that answers instead.'),
  })
  .openapi('BudgetRule')

const rules = z
  .array(rule)
  .min(1)
  .max(MOST_RULES)
  .superRefine((list, context) => {
    const fault = faultIn(list.map(storedRule))
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    for (const { model } of list) {
      if (model === undefined || modelNamed(model)) continue
      context.addIssue({ code: 'custom', message: `there is no model named '${model}'` })
    }
  })

const preset = z
  .enum(Object.keys(PRESETS) as [keyof typeof PRESETS, ...(keyof typeof PRESETS)[]])
  .describe(
    'standard: notify at 80 %, block at 100; soft: notify at 80 and 100, block at 150; shaped: notify at 80, 5 requests a minute from 100 on, block at 150.',
  )

const raise = z
  .strictObject({ nano: nano(1).describe('Added to the cap.'), until: instant })
  .nullable()
  .describe('For a time.')

const policy = { preset: preset.optional(), rules: rules.optional() }
const onePolicy = ({ preset, rules }: { preset?: unknown; rules?: unknown }) =>
  preset === undefined || rules === undefined
const onePolicySentence = 'Input should have `preset` or `rules`, not both'

export const newBudget = z
  .strictObject({
    scope,
    subject: subject.default(''),
    model: text(200).default('').describe('Counts only models that match this pattern; empty is all.'),
    window,
    hours: z.int().min(1).max(8_784).optional().describe('Of a rolling window: how far it reaches back.'),
    cap_nano: cap,
    raise: raise.optional(),
    ...policy,
  })
  .refine(onePolicy, onePolicySentence)
  .refine(
    ({ window, hours }) => (window === 'rolling') === (hours !== undefined),
    'hours: a rolling window, and no other, says how many hours it has',
  )
  .refine(
    ({ scope, subject }) => (scope === 'organisation' || scope === 'everybody') === (subject === ''),
    'subject: organisation and everybody have none; any other scope says whose it is',
  )

export const budgetChange = z
  .strictObject({ cap_nano: cap.optional(), raise: raise.optional(), ...policy })
  .refine(onePolicy, onePolicySentence)

export const budgetView = z
  .object({
    id: z.string(),
    scope,
    subject,
    model: z.string(),
    window,
    hours: z.int().nullable(),
    cap_nano: cap,
    preset: preset.nullable(),
    rules: z.array(rule),
    raise: z.object({ nano: z.int(), until: z.iso.datetime() }).nullable(),
    created_at: z.iso.datetime(),
  })
  .openapi('Budget')

export const standingView = z
  .object({
    from: z.iso.datetime().describe('When the window began; of a rolling one, since when spending counts.'),
    resets_at: z.iso.datetime().describe('The next window; of a rolling one, its next step.'),
    spent_nano: z.int(),
    held_nano: z.int().describe('Set aside for calls under way.'),
    cap_nano: z.int().nullable().describe('With what it was raised by.'),
    remaining_nano: z.int().nullable(),
    percent: z.int().nullable(),
    closed: z.boolean().describe('It lets nothing more through.'),
  })
  .openapi('BudgetStanding')

export function storedRule({
  at,
  action,
  requests_per_minute: requestsPerMinute,
  model,
}: z.infer<typeof rule>): Rule {
  return {
    at,
    action,
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(model === undefined ? {} : { model }),
  }
}

/** The rules that were wished for, by whichever name; undefined where nothing was said. */
export function storedRules(
  wish: Pick<z.infer<typeof budgetChange>, 'preset' | 'rules'>,
): readonly Rule[] | undefined {
  return wish.preset === undefined ? wish.rules?.map(storedRule) : PRESETS[wish.preset]
}

export function storedRaise(
  wish: z.infer<typeof raise> | undefined,
): Partial<Pick<BudgetRow, 'raiseNano' | 'raiseUntil'>> {
  if (wish === undefined) return {}
  return { raiseNano: wish?.nano ?? null, raiseUntil: wish?.until ?? null }
}

export function viewOf(row: BudgetRow): z.infer<typeof budgetView> {
  const { raiseNano, raiseUntil } = row
  return {
    id: row.id,
    scope: row.scope,
    subject: row.subject,
    model: row.model,
    window: row.window,
    hours: row.hours === 0 ? null : row.hours,
    cap_nano: row.capNano,
    preset: presetOf(row.rules) ?? null,
    rules: row.rules.map(({ requestsPerMinute, ...rest }) =>
      requestsPerMinute === undefined ? rest : { ...rest, requests_per_minute: requestsPerMinute },
    ),
    raise: raiseNano !== null && raiseUntil ? { nano: raiseNano, until: raiseUntil.toISOString() } : null,
    created_at: row.createdAt.toISOString(),
  }
}

export function standingViewOf(standing: BudgetStanding): z.infer<typeof standingView> {
  const { window } = standing
  const from = 'since' in window.span ? window.span.since.getTime() : window.from
  return {
    from: new Date(from).toISOString(),
    resets_at: new Date(window.resetsAt).toISOString(),
    spent_nano: standing.spent,
    held_nano: standing.held,
    cap_nano: standing.cap,
    remaining_nano: standing.remaining,
    percent: standing.percent,
    closed: standing.closed,
  }
}
