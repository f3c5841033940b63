/**
 * A key never exceeds who makes it. It spends for a team of theirs and within what that team may; and whoever a key was
 * given to may narrow it, never widen it, for somebody may have meant what it says.
 */
import type { Tables } from '../data/data.ts'
import type { Key } from '../data/keys.ts'
import type { Scope } from '../data/scope.ts'
import type { Team } from '../data/teams.ts'
import { GatewayError } from '../errors.ts'
import { isInside, parseRange } from '../protocol/ranges.ts'
import type { Actor } from './actor.ts'
import { isWithin } from './models.ts'

/** What a key may be used for, as far as it is said. */
export type Powers = {
  [Field in
    | 'models'
    | 'deniedModels'
    | 'requestsPerMinute'
    | 'tokensPerMinute'
    | 'concurrent'
    | 'addresses'
    | 'expiresAt'
    | 'disabledAt']?: Key[Field] | undefined
}

interface Owner {
  userId: string | null
  teamId: string | null
}

/**
 * Whose a new key is, and for which team it spends: for an admin whatever they say, for anybody else themselves and
 * their team, where nothing is said.
 * @throws GatewayError permission_error for what this actor may not give; not_found_error for who is not there.
 */
export async function ownerOf(
  tables: Pick<Tables, 'users' | 'teams' | 'memberships'>,
  { actor, scope }: { actor: Actor; scope: Scope },
  wish: { userId?: string | null | undefined; teamId?: string | null | undefined },
): Promise<Owner & { team: Team | undefined }> {
  const owner = scope.all
    ? { userId: wish.userId ?? null, teamId: wish.teamId ?? null }
    : ownOwner(actor, scope, wish)
  const { userId, teamId } = owner
  const team = teamId === null ? undefined : await tables.teams.byId(teamId)
  if (teamId !== null && !team) throw missing(`There is no team '${teamId}'.`)
  if (userId !== null && !(await tables.users.byId(userId))) throw missing(`There is no user '${userId}'.`)
  if (userId !== null && teamId !== null && !(await tables.memberships.find(teamId, userId))) {
    throw new GatewayError('invalid_request_error', `The user '${userId}' is not in the team '${teamId}'.`)
  }
  return { ...owner, team }
}

function ownOwner(
  actor: Actor,
  scope: Scope,
  {
    userId = actor.userId ?? null,
    teamId,
  }: { userId?: string | null | undefined; teamId?: string | null | undefined },
): Owner {
  const [only, ...others] = actor.teams
  const team = teamId ?? (others.length === 0 ? only : undefined)
  if (team === undefined) {
    throw denied(
      only === undefined
        ? 'You are in no team that a key could spend for. Ask an admin to put you into one.'
        : 'Say for which of your teams this key spends: team_id.',
    )
  }
  const leads = scope.teams.includes(team)
  if (!leads && !actor.teams.includes(team)) throw denied('You may make keys for your own teams only.')
  if (!leads && userId !== actor.userId) throw denied('You may make keys for yourself only.')
  return { userId, teamId: team }
}

/**
 * That a key allows nothing that its team does not. It could not be used for that anyway, now or when the team's rights
 * shrink; whoever asks for it should hear so.
 * @throws GatewayError permission_error naming what goes too far.
 */
export function requireWithinTeam(team: Team, wish: Powers) {
  if (wish.models && !isWithin(wish.models, team.models)) {
    throw denied(`The team '${team.name}' may not use all of these models: ${wish.models.join(', ')}.`)
  }
  for (const [field, name] of AMOUNTS) {
    const [most, wanted] = [team[field], wish[field]]
    if (most !== null && typeof wanted === 'number' && wanted > most) {
      throw denied(`The team '${team.name}' has ${most} ${name}: a key of its own cannot have ${wanted}.`)
    }
  }
}

const AMOUNTS = [
  ['requestsPerMinute', 'requests a minute'],
  ['tokensPerMinute', 'tokens a minute'],
  ['concurrent', 'calls at once'],
] as const

/** @throws GatewayError permission_error naming what would be wider than it is. */
export function requireNarrower(key: Key, change: Powers) {
  const wider = widened(key, change)
  if (wider === undefined) return
  throw denied(
    `You may narrow this key, not widen it: ${wider}. Ask a lead of its team, or make another key.`,
  )
}

function widened(key: Key, change: Powers): string | undefined {
  const { models, deniedModels, addresses, expiresAt, disabledAt } = change
  if (models !== undefined && !isWithin(models, key.models)) return 'models'
  if (deniedModels !== undefined && key.deniedModels && !isWithin(key.deniedModels, deniedModels ?? [])) {
    return 'denied_models'
  }
  const amount = AMOUNTS.find(([field]) => isMore(change[field], key[field]))
  if (amount) return amount[1]
  if (addresses !== undefined && !areInside(addresses, key.addresses)) return 'addresses'
  const expiry = expiresAt === undefined ? undefined : (expiresAt?.getTime() ?? null)
  if (isMore(expiry, key.expiresAt?.getTime() ?? null)) return 'expires_at'
  return disabledAt === null && key.disabledAt ? 'enabling it again' : undefined
}

/** Null is without end; undefined is as it was. */
function isMore(next: number | null | undefined, now: number | null): boolean {
  if (next === undefined || now === null) return false
  return next === null || next > now
}

function areInside(inner: readonly string[] | null, outer: readonly string[] | null): boolean {
  if (outer === null) return true
  const around = outer.map(parseRange)
  return (
    inner?.map(parseRange).every((range) => range && around.some((each) => each && isInside(range, each))) ??
    false
  )
}

function denied(sentence: string): GatewayError {
  return new GatewayError('permission_error', sentence)
}

function missing(sentence: string): GatewayError {
  return new GatewayError('not_found_error', sentence)
}
