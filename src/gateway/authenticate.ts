/** Who is calling: headers in, Principal out. */
import type { Key, KeyStanding } from '../data/keys.ts'
import type { RoutingPolicy } from '../data/tables/upstreams.ts'
import { type ErrorType, GatewayError } from '../errors.ts'
import { isWellFormed } from '../protocol/keys.ts'
import { holds, parseRange, type Range } from '../protocol/ranges.ts'
import type { Remembered, Runtime } from '../runtime.ts'
import type { ModelRule } from './models.ts'
import { type Rules, rulesFor } from './rules.ts'

/** Who is calling, and what it may do. */
export interface Principal extends Rules {
  keyId: string
  keyName: string
  /** Of the secret it came with: while a key is rotated, there are two. */
  hint: string
  /** Whose key it is, and for which team it spends. */
  userId: string | null
  teamId: string | null
  /** Every one of them must let a model pass. */
  models: readonly ModelRule[]
  /** Its team's; null is the organisation's. */
  routing: RoutingPolicy | null
}

/**
 * How long a key may be served from the cache: the bound on how long a revoked one still works, unless the database
 * is away; then a key in use goes on working for `outageGrace`.
 */
const TRUST = 60_000
/** How long an unknown key is refused from the cache: short, for it may be about to be made. */
const DISTRUST = 5_000

/** A key that works, as far as that can be known ahead. */
interface Admitted {
  principal: Principal
  /** When this secret stops working. Infinity: it does not. */
  until: number
  /** What to say then. */
  afterwards: string
  /** Where it may be used from; undefined is everywhere. */
  ranges: readonly Range[] | undefined
}

interface Refused {
  refused: ErrorType
  sentence: string
}

/**
 * The principal behind the request's key, from `authorization: Bearer` or `x-api-key`.
 * @throws GatewayError authentication_error for a missing, malformed, unknown, expired or deleted key; permission_error
 *   for one that is disabled, whose user or team is, or that comes from elsewhere than it may.
 */
export async function authenticate(runtime: Runtime, headers: Headers): Promise<Principal> {
  const secret = presentedSecret(headers)
  if (!isWellFormed(secret)) {
    throw refused('This is not a key of this gateway. Keys start with oc_; ask whoever runs it for one.')
  }
  const hash = await runtime.hashes.sha256(secret)
  const found = await runtime.cache.remember(`key:${hash}`, () => lookUp(runtime, hash)).catch(cannotTell)
  if ('refused' in found) throw new GatewayError(found.refused, found.sentence)
  if (found.until <= runtime.now()) throw refused(found.afterwards)
  if (found.ranges) requireFrom(found.ranges, runtime.clientAddress)
  return found.principal
}

/** Call it when a key changes, so that this process at least acts at once. */
export function forgetKey(runtime: Pick<Runtime, 'cache'>, ...hashes: (string | null)[]) {
  for (const hash of hashes) runtime.cache.forget(`key:${hash}`)
}

/** The same for every key of a user or of a team. */
export async function forgetKeysOf(
  runtime: Pick<Runtime, 'cache' | 'data'>,
  whose: { userId: string } | { teamId: string },
) {
  forgetKey(runtime, ...(await runtime.data.keys.hashesOf(whose)))
}

async function lookUp(runtime: Runtime, hash: string): Promise<Remembered<Admitted | Refused>> {
  const standing = await runtime.data.keys.byHash(hash)
  const objection = objectionTo(standing)
  if (objection || !standing) return { value: objection ?? UNKNOWN, ttl: DISTRUST }
  const value = admittedBy(standing, hash, await rulesFor(runtime, standing))
  const at = runtime.now()
  if (value.until > at) noteUse(runtime, standing.key, at)
  return { value, ttl: TRUST, grace: runtime.config.outageGrace }
}

const UNKNOWN: Refused = {
  refused: 'authentication_error',
  sentence: 'This key is not known here. It may have been deleted; ask for a new one.',
}

/** Nothing of this is written onto the key: it works again when the reason is gone. */
function objectionTo(standing: KeyStanding | undefined): Refused | undefined {
  if (!standing) return UNKNOWN
  const { key, user, team, isMember } = standing
  const denied = (sentence: string): Refused => ({ refused: 'permission_error', sentence })
  if (key.disabledAt) return denied('This key is disabled. Ask whoever runs this gateway to enable it.')
  if (key.userId !== null && (!user || user.deactivatedAt || user.archivedAt)) {
    return denied('Whose key this is has been deactivated here. Ask whoever runs this gateway.')
  }
  if (key.teamId !== null && (!team || team.archivedAt)) {
    return denied('The team that this key spends for is no more. Ask for a key of another team.')
  }
  if (!isMember) {
    return denied('Whose key this is has left the team that it spends for. Ask for a key of another team.')
  }
  return undefined
}

function admittedBy({ key, team }: KeyStanding, hash: string, rules: Rules): Admitted {
  const isPrevious = key.hash !== hash
  const expiry = key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
  const rotation = isPrevious ? (key.previousUntil?.getTime() ?? 0) : Number.POSITIVE_INFINITY
  const ranges = key.addresses?.map(parseRange).filter((range) => range !== undefined)
  return {
    principal: {
      ...principalOf(key, (isPrevious ? key.previousHint : key.hint) ?? '', [key, ...(team ? [team] : [])]),
      routing: team?.routing ?? null,
      ...rules,
    },
    until: Math.min(expiry, rotation),
    afterwards:
      rotation < expiry
        ? 'This key has been replaced by a new one, and its time is over. Use the new one.'
        : 'This key has expired. Ask for a new one, or for more time.',
    ranges,
  }
}

function principalOf(
  key: Key,
  hint: string,
  rules: readonly ModelRule[],
): Omit<Principal, keyof Rules | 'routing'> {
  const { id, name, userId, teamId } = key
  return {
    keyId: id,
    keyName: name,
    hint,
    userId,
    teamId,
    models: rules
      .filter(({ models, deniedModels }) => models !== null || deniedModels !== null)
      .map(({ models, deniedModels }) => ({ models, deniedModels })),
  }
}

/** Beside the request, and once a minute at most, for that is how often a key is looked up. */
function noteUse({ data, waitUntil }: Runtime, { id }: Key, at: number) {
  waitUntil(data.keys.touch(id, new Date(at), new Date(at - TRUST)).catch(() => {})) // the next look-up tries again
}

function requireFrom(ranges: readonly Range[], address: string | undefined) {
  if (address !== undefined && holds(ranges, address)) return
  throw new GatewayError(
    'permission_error',
    `This key may not be used from ${address ?? 'an address that is not known'}. Ask whoever runs this gateway.`,
  )
}

/** A good key must not be called a bad one because the database is down: clients throw such keys away. */
function cannotTell(cause: unknown): never {
  throw new GatewayError(
    'api_error',
    'The gateway cannot check keys just now: its database does not answer.',
    {
      cause,
      status: 503,
      retryAfter: 5,
    },
  )
}

/** Claude Code sends both headers when a key helper is configured: they must agree, or one of them goes unchecked. */
function presentedSecret(headers: Headers): string {
  const apiKey = headers.get('x-api-key')?.trim() || undefined
  const bearer = bearerOf(headers)
  if (apiKey !== undefined && bearer !== undefined && apiKey !== bearer) {
    throw refused('The authorization and x-api-key headers carry different keys. Send one of them.')
  }
  const secret = bearer ?? apiKey
  if (secret === undefined) {
    throw refused('No key was sent. Set ANTHROPIC_AUTH_TOKEN to a key of this gateway.')
  }
  return secret
}

/** The token of an `authorization: Bearer` header. */
export function bearerOf(headers: Headers): string | undefined {
  const header = headers.get('authorization')?.trim()
  if (!header) return undefined
  const [, token] = /^bearer +(\S+)$/i.exec(header) ?? []
  if (token === undefined) throw refused('The authorization header must read: Bearer <key>.')
  return token
}

function refused(sentence: string): GatewayError {
  return new GatewayError('authentication_error', sentence)
}
