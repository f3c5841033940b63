/** Budgets: what may be spent, by whom, in which window, and what happens on the way there. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { BudgetRow } from '../../data/budgets.ts'
import type { Tables } from '../../data/data.ts'
import { GatewayError } from '../../errors.ts'
import { forgetKey } from '../../gateway/authenticate.ts'
import { standingOf } from '../../gateway/budgetstanding.ts'
import { HIGHEST_CAP, PRESETS } from '../../gateway/policies.ts'
import { newId } from '../../protocol/ids.ts'
import type { AdminEnv } from '../env.ts'
import { audited } from './audited.ts'
import {
  budgetChange,
  budgetView,
  newBudget,
  scope,
  standingView,
  standingViewOf,
  storedRaise,
  storedRules,
  subject,
  viewOf,
} from './budgetviews.ts'
import { conflict, noSuch, path } from './fields.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const create = operation({
  needs: 'budgets.change',
  method: 'post',
  path: '/',
  summary: 'Make a budget; without rules it has those of the preset `standard`',
  request: { body: { required: true, content: json(newBudget) } },
  responses: { 201: { description: 'The budget.', content: json(budgetView) }, ...refusals },
})

const list = operation({
  needs: 'budgets.read',
  method: 'get',
  path: '/',
  summary: 'List budgets, oldest first',
  request: { query: z.object({ ...paging, scope: scope.optional(), subject: subject.optional() }) },
  responses: { 200: { description: 'A page of budgets.', content: json(pageOf(budgetView)) }, ...refusals },
})

const get = operation({
  needs: 'budgets.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at a budget',
  request: { params: path },
  responses: { 200: { description: 'The budget.', content: json(budgetView) }, ...refusals },
})

const standing = operation({
  needs: 'budgets.read',
  method: 'get',
  path: '/{id}/standing',
  summary: 'How a budget stands: what is spent, set aside and left of it in this window',
  request: {
    params: path,
    query: z.object({
      user: text(128).optional().describe('Of a default, member or everybody: whose. Without it, your own.'),
    }),
  },
  responses: { 200: { description: 'As it stands now.', content: json(standingView) }, ...refusals },
})

const change = operation({
  needs: 'budgets.change',
  method: 'patch',
  path: '/{id}',
  summary: 'Change the cap or the rules of a budget, or raise it for a time',
  request: { params: path, body: { required: true, content: json(budgetChange) } },
  responses: { 200: { description: 'The budget as it is now.', content: json(budgetView) }, ...refusals },
})

const remove = operation({
  needs: 'budgets.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Archive a budget: it holds nobody back any more',
  request: { params: path },
  responses: { 204: { description: 'It is gone from every list.' }, ...refusals },
})

export const budgets = resource()
  .openapi(create, async (c) => {
    const { scope, subject, model, window, hours = 0, cap_nano: capNano, ...wish } = c.req.valid('json')
    const at = c.env.now()
    const budget: BudgetRow = {
      id: newId('budget', at),
      scope,
      subject,
      model,
      window,
      hours,
      capNano,
      rules: storedRules(wish) ?? PRESETS.standard,
      raiseNano: null,
      raiseUntil: null,
      ...storedRaise(wish.raise),
      createdAt: new Date(at),
      archivedAt: null,
    }
    requirePlausible(budget, at)
    await audited(c, async (tables) => {
      await requireSubject(tables, budget)
      if (!(await tables.budgets.create(budget)))
        throw conflict('There is a budget of this subject, model and window already: change that one.')
      return { answer: undefined, entry: entry('create', budget.id, null, viewOf(budget)) }
    })
    await forgetSpenders(c, budget)
    return c.json(viewOf(budget), 201)
  })
  .openapi(list, async (c) => {
    const { limit, cursor, scope, subject } = c.req.valid('query')
    const filter = { within: c.var.scope, scope, subject, after: cursor, limit: limit + 1 }
    const { data, next } = cutPage(await c.env.data.budgets.list(filter), limit)
    return c.json({ data: data.map(viewOf), next }, 200)
  })
  .openapi(get, async (c) => c.json(viewOf(await found(c, c.req.valid('param').id)), 200))
  .openapi(standing, async (c) => {
    const budget = await found(c, c.req.valid('param').id)
    const whose = spenderAsked(c, budget, c.req.valid('query').user)
    return c.json(standingViewOf(await standingOf(c.env, budget, whose)), 200)
  })
  .openapi(change, async (c) => {
    const { id } = c.req.valid('param')
    const { cap_nano: capNano, raise, ...policy } = c.req.valid('json')
    const wish = { capNano, rules: storedRules(policy), ...storedRaise(raise) }
    const after = await audited(c, async (tables) => {
      const before = await tables.budgets.lock(id)
      if (!before) throw noSuch('budget', id)
      const shown = viewOf(before)
      const budget = (await tables.budgets.change(id, wish)) ?? before
      if (raise || capNano !== undefined) requirePlausible(budget, c.env.now(), raise !== undefined)
      return { answer: budget, entry: entry('change', id, shown, viewOf(budget)) }
    })
    await forgetSpenders(c, after)
    return c.json(viewOf(after), 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    const gone = await audited(c, async (tables) => {
      const budget = await tables.budgets.archive(id, new Date(c.env.now()))
      if (!budget) throw noSuch('budget', id)
      return { answer: budget, entry: entry('archive', id, viewOf(budget), null) }
    })
    await forgetSpenders(c, gone)
    return c.body(null, 204)
  })

async function found(c: Context<AdminEnv>, id: string): Promise<BudgetRow> {
  const budget = await c.env.data.budgets.byId(id)
  const reach = c.var.scope
  if (budget && (reach.all || (await c.env.data.budgets.concerns(budget.id, reach)))) return budget
  throw noSuch('budget', id)
}

/** Of a default: a user whom the actor may see. */
function spenderAsked(
  c: Context<AdminEnv>,
  budget: BudgetRow,
  asked: string | undefined,
): string | undefined {
  if (budget.scope !== 'member' && budget.scope !== 'everybody') return undefined
  const { scope, actor } = c.var
  const user = asked ?? actor.userId
  if (user === undefined) throw invalid('user: Field required, for a budget that each user has')
  const leads = budget.scope === 'member' && scope.teams.includes(budget.subject)
  if (scope.all || leads || user === scope.userId) return user
  throw noSuch('user', user)
}

async function requireSubject(tables: Tables, { scope, subject }: BudgetRow) {
  const found =
    scope === 'organisation' ||
    scope === 'everybody' ||
    (scope === 'user' && (await tables.users.byId(subject))) ||
    (scope === 'key' && (await tables.keys.byId(subject))) ||
    ((scope === 'team' || scope === 'member') && (await tables.teams.byId(subject)))
  if (!found) throw invalid(`subject: There is no ${scope === 'member' ? 'team' : scope} '${subject}'`)
}

const LONGEST_RAISE = 366 * 86_400_000

function requirePlausible({ capNano, raiseNano, raiseUntil }: BudgetRow, now: number, raises = true) {
  if (raiseNano === null || !raiseUntil) return
  if ((capNano ?? 0) + raiseNano > HIGHEST_CAP)
    throw invalid(`raise.nano: Input should leave the cap at ${HIGHEST_CAP} or less`)
  if (!raises) return
  const until = raiseUntil.getTime()
  if (until <= now || until > now + LONGEST_RAISE)
    throw invalid('raise.until: Input should be a time to come, within a year')
}

function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}

function entry(what: string, id: string, before: object | null, after: object | null) {
  return { action: `budget.${what}`, target: `budget:${id}`, before, after }
}

/** So that this process at least acts at once; what holds for everybody is known everywhere within a minute. */
async function forgetSpenders({ env }: Context<AdminEnv>, { scope, subject }: BudgetRow) {
  const { keys } = env.data
  if (scope === 'user') forgetKey(env, ...(await keys.hashesOf({ userId: subject })))
  if (scope === 'team' || scope === 'member') forgetKey(env, ...(await keys.hashesOf({ teamId: subject })))
  const key = scope === 'key' ? await keys.byId(subject) : undefined
  if (key) forgetKey(env, key.hash, key.previousHash)
}
