/** A call before the room of limits: of any length, to any model, by anybody. */
import { expect } from 'vitest'
import type { BudgetRow } from '../../src/data/budgets.ts'
import type { GatewayError } from '../../src/errors.ts'
import type { Principal } from '../../src/gateway/authenticate.ts'
import type { Grant } from '../../src/gateway/grant.ts'
import { limit } from '../../src/gateway/limit.ts'
import { route } from '../../src/gateway/route.ts'
import { type Allowance, rulesFor } from '../../src/gateway/rules.ts'
import { newId } from '../../src/protocol/ids.ts'
import { callOf } from '../providers/call.ts'
import { ANYONE, type TestRuntime } from '../runtime.ts'

export interface Asked {
  bytes?: number
  model?: string
  maxTokens?: number
  session?: string
}

/** Asks for leave, at the runtime's time. */
export async function ask(runtime: TestRuntime, who: Principal, asked: Asked = {}): Promise<Grant> {
  const { bytes = 4_000, model = 'claude-opus-5-5', maxTokens = 1_000, session } = asked
  const small = await callOf({ model, max_tokens: maxTokens, messages: [] })
  const call = { ...small, id: newId('req', runtime.now()), session, startedAt: runtime.now() }
  const choice = await route(runtime, who, call)
  const body = new Uint8Array(bytes)
  body.set(small.body.subarray(0, bytes)) // what is read of it, which only budgets do, stands in its beginning
  return limit(runtime, who, { ...call, body }, choice)
}

/** The refusal, which must be one. */
export function refused(runtime: TestRuntime, who: Principal, asked: Asked = {}): Promise<GatewayError> {
  return ask(runtime, who, asked).then(
    () => expect.fail('it was let through'),
    (error: GatewayError) => error,
  )
}

/** A limit of a key, or of whatever is said. */
export function allowance(more: Partial<Allowance> = {}): Allowance {
  return {
    scope: 'key',
    subject: 'key_1',
    name: 'test',
    requestsPerMinute: null,
    tokensPerMinute: null,
    concurrent: null,
    ...more,
  }
}

export const DOLLAR = 1_000_000_000

/** A budget of the key `key_1`, of ten dollars a month, unless something else is said. */
export function budgetWith(more: Partial<BudgetRow> = {}): BudgetRow {
  return {
    id: newId('budget', Date.UTC(2026, 10, 1)),
    scope: 'key',
    subject: 'key_1',
    model: '',
    window: 'month',
    hours: 0,
    capNano: 10 * DOLLAR,
    rules: [{ at: 100, action: 'block' }],
    raiseNano: null,
    raiseUntil: null,
    createdAt: new Date(Date.UTC(2026, 10, 1)),
    archivedAt: null,
    ...more,
  }
}

interface Who {
  keyId?: string
  userId?: string
  teamId?: string
  /** Of the key, beside what the tables say. */
  limits?: Partial<Allowance>
}

/** Who is calling, with the budgets and limits that the runtime has: Ada, of the Marmots. */
export async function payer(runtime: TestRuntime, who: Who = {}): Promise<Principal> {
  const { keyId = 'key_1', userId, teamId, limits = {} } = who
  const none = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null }
  const standing = {
    key: { id: keyId, name: 'test', userId: userId ?? null, teamId: teamId ?? null, ...none, ...limits },
    user: userId === undefined ? null : { id: userId, name: 'Ada', ...none },
    team: teamId === undefined ? null : { id: teamId, name: 'Marmots', ...none },
  }
  return {
    ...ANYONE,
    keyId,
    userId: userId ?? null,
    teamId: teamId ?? null,
    ...(await rulesFor(runtime, standing)),
  }
}
