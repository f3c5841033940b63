/** Who may do what with the admin API: permissions by role, and how far each reaches. docs/permissions.md is made of it. */
import type { Scope } from '../data/scope.ts'
import { GatewayError } from '../errors.ts'
import type { Actor } from './actor.ts'

export type { Scope } from '../data/scope.ts'

/** Everything there is; what belongs to the teams that somebody leads; what is somebody's own. */
export type Reach = 'all' | 'team' | 'own'
/** `lead` is who leads a team, whatever else they are: it adds to what a member may do, in that team. */
export const ROLES = ['admin', 'auditor', 'lead', 'member'] as const
export type Role = (typeof ROLES)[number]

type Grants = Readonly<Partial<Record<Role, Reach>>>

const EVERYBODY: Grants = { admin: 'all', auditor: 'all', lead: 'all', member: 'all' }
const THEIRS: Grants = { admin: 'all', auditor: 'all', lead: 'team', member: 'own' }
const OVERSEERS: Grants = { admin: 'all', auditor: 'all' }
const ADMINS: Grants = { admin: 'all' }

/** What ends in `.read` changes nothing; whatever else there is, an auditor and a read-only token may not. */
const PERMISSIONS = {
  'self.read': EVERYBODY,
  'users.read': THEIRS,
  'users.change': ADMINS,
  'teams.read': THEIRS,
  'teams.change': ADMINS,
  'members.read': { admin: 'all', auditor: 'all', lead: 'team' },
  'members.change': { admin: 'all', lead: 'team' },
  'keys.read': THEIRS,
  'keys.change': { admin: 'all', lead: 'team', member: 'own' },
  'tokens.read': { admin: 'all', auditor: 'all', member: 'own' },
  'tokens.change': { admin: 'all', member: 'own' },
  'audit.read': OVERSEERS,
  'budgets.read': THEIRS,
  'budgets.change': ADMINS,
  'limits.read': OVERSEERS,
  'limits.change': ADMINS,
  'organisation.read': EVERYBODY,
  'organisation.change': ADMINS,
  'requests.read': THEIRS,
  'usage.read': THEIRS,
  'prices.read': EVERYBODY,
  'prices.change': ADMINS,
  'unpriced.read': OVERSEERS,
  'notices.read': { admin: 'all', auditor: 'all', lead: 'team' },
  'channels.read': OVERSEERS,
  'channels.change': ADMINS,
  'capabilities.read': OVERSEERS,
  'capabilities.change': ADMINS,
  'routing.read': OVERSEERS,
  'routing.change': ADMINS,
  'upstreams.read': OVERSEERS,
  'upstreams.change': ADMINS,
  'search.read': OVERSEERS,
  'search.change': ADMINS,
  'metrics.read': OVERSEERS,
} as const satisfies Readonly<Record<string, Grants>>

export type Permission = keyof typeof PERMISSIONS

export const PERMISSION_NAMES = Object.keys(PERMISSIONS).filter(isPermission)

export function isPermission(name: unknown): name is Permission {
  return typeof name === 'string' && Object.hasOwn(PERMISSIONS, name)
}

/** How far a role takes somebody with this permission; undefined: nowhere. */
export function reachOf(role: Role, permission: Permission): Reach | undefined {
  const grants: Grants = PERMISSIONS[permission]
  return grants[role]
}

/**
 * What this actor reaches with this permission.
 * @throws GatewayError permission_error where that is nothing.
 */
export function scopeOf(actor: Actor, permission: Permission): Scope {
  if (actor.readOnly && !permission.endsWith('.read')) {
    throw refused(`This token reads only: it has not the permission ${permission}.`)
  }
  const reach = reachOf(actor.role, permission)
  // An auditor reads everything anyway, and changes nothing, leading a team or not.
  const isLead = actor.leads.length > 0 && actor.role !== 'auditor'
  const asLead = isLead ? reachOf('lead', permission) : undefined
  if (reach === undefined && asLead === undefined) {
    throw refused(`This takes the permission ${permission}, which you do not have. Ask an admin.`)
  }
  return {
    all: reach === 'all' || asLead === 'all',
    teams: reach === 'team' || asLead === 'team' ? actor.leads : [],
    userId: reach === undefined ? undefined : actor.userId,
  }
}

/** Whether what belongs to this team, or to this user, is within. */
export function covers(
  { all, teams, userId }: Scope,
  owner: { teamId?: string | null | undefined; userId?: string | null | undefined },
): boolean {
  if (all) return true
  if (owner.teamId && teams.includes(owner.teamId)) return true
  return userId !== undefined && owner.userId === userId
}

function refused(sentence: string): GatewayError {
  return new GatewayError('permission_error', sentence)
}
