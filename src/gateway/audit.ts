/** What the audit log says of a change: who, what, from what to what, from where. */
import type { AuditEntry } from '../data/audit.ts'
import { canonical } from '../protocol/canonical.ts'
import type { Actor } from './actor.ts'

export interface Change {
  /** As in `key.create`. */
  action: string
  /** As in `key:key_…`. */
  target: string
  /** As the admin API shows it; null where there was nothing, or is nothing any more. */
  before: unknown
  after: unknown
}

/** Where a change came from. */
interface Whence {
  at: Date
  address: string | undefined
  requestId: string
}

export function entryOf(actor: Actor, change: Change, { at, address, requestId }: Whence): AuditEntry {
  return {
    at,
    actor: actor.id,
    actorName: withoutSecrets(actor.name),
    action: change.action,
    target: change.target,
    before: written(change.before),
    after: written(change.after),
    address: address ?? null,
    requestId,
    breakGlass: actor.breakGlass,
  }
}

function written(state: unknown): string | null {
  return state === null || state === undefined ? null : canonical(masked(state))
}

/** Members that hold a secret, whatever it looks like; ids and hints have other names. */
const SECRET = /^(key|secret|token|password|hash|secrets?_?\w*|api_?key)$/i
/** Our own secrets, wherever somebody put them. */
const OURS = /\b(oc|oct|oa)_[0-9A-Za-z]{30,}/g

/** Views hold no secret; should one ever, the log is the last place where it may stay. */
function masked(state: unknown, name = ''): unknown {
  if (typeof state === 'string') return SECRET.test(name) ? '***' : withoutSecrets(state)
  if (Array.isArray(state)) return state.map((each) => masked(each, name))
  if (typeof state !== 'object' || state === null || state instanceof Date) return state
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, masked(value, key)]))
}

function withoutSecrets(text: string): string {
  return text.replaceAll(OURS, '$1_***')
}
