/** The upstreams there are: those that the environment describes, and those that admins have set up. */
import type { CredentialSource } from '../../aws.ts'
import type { ProviderName } from '../../config.ts'
import type { UpstreamRow } from '../../data/upstreams.ts'
import { GatewayError } from '../../errors.ts'
import type { Findings } from '../../protocol/findings.ts'
import { kindNamed, providerNamed } from '../../providers/index.ts'
import type { Place, Upstream } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'
import { type Prepared, prepared, sourceFor } from './credentials.ts'
import { policyAtHand } from './policy.ts'
import { type Ways, type WaysOfKeys, waysUnder } from './ways.ts'

/** Who calls, as far as credentials may be made for them. */
export type Caller = Pick<Principal, 'keyId' | 'userId' | 'teamId'>

/** An upstream as it is set up. */
export interface Configured {
  id: string
  name: string
  kind: string
  enabled: boolean
  priority: number
  weight: number
  /** @throws GatewayError api_error saying what is missing. */
  place(): Place
  /** Who calls may be told to the account: credentials of their own session. */
  credentialsFor(caller: Caller | undefined): CredentialSource
  /** What is known of it; undefined where nobody has asked yet. */
  findings: Findings | undefined
}

/** What the cache knows of them by. */
const UPSTREAMS = 'upstreams'
/** The bound on how long another replica still goes by what an admin has changed. */
const TRUST = 10_000

/** The kind of a row that says of an environment's upstream what an admin has changed. */
export const ENVIRONMENT = 'environment'

interface Stored {
  rows: readonly UpstreamRow[]
  findings: ReadonlyMap<string, Findings>
  /** Of each row, made when first asked for. */
  places: Map<UpstreamRow, Place>
  preparations: Map<UpstreamRow, Prepared>
  ways: WaysOfKeys
}

/**
 * All of them, enabled or not: the environment's first, each list in its order.
 * @throws GatewayError api_error where the database cannot be asked, and what it said is not known.
 */
export async function configured(runtime: Runtime): Promise<readonly Configured[]> {
  return all(runtime, await runtime.cache.remember(UPSTREAMS, () => load(runtime)).catch(cannotTell))
}

/** As they are with these rows. */
export function configuredIn(runtime: Runtime, rows: readonly UpstreamRow[]): readonly Configured[] {
  return all(runtime, storedOf(rows, new Map()))
}

function storedOf(rows: Stored['rows'], findings: Stored['findings']): Stored {
  return { rows, findings, places: new Map(), preparations: new Map(), ways: new WeakMap() }
}

/** What upstreams keep of a runtime: no request, for a way outlives the one that it was found for. */
type Lent = Parameters<typeof sourceFor>[0] & Pick<Runtime, 'credentials' | 'waitUntil'>

function all(runtime: Runtime, stored: Stored): readonly Configured[] {
  const { config, credentials, keyring, fetch, now, hashes, log, sightings, waitUntil } = runtime
  const lent = { config, credentials, keyring, fetch, now, hashes, log, sightings, waitUntil }
  const found = config.upstreams.map((provider) => environments(lent, provider, stored))
  for (const row of stored.rows) if (row.kind !== ENVIRONMENT) found.push(setUp(lent, row, stored))
  return found
}

/**
 * Where a key's calls go by the upstreams and the policy that are at hand; undefined where these have to be asked for, and
 * where what one request is doing ends with it, so that nothing of it is kept for another.
 */
export function waysOf(runtime: Runtime, key: object): Ways | undefined {
  const { cache, keyring } = runtime
  const stored = keyring.means.shareLoads ? cache.known<Stored>(UPSTREAMS) : undefined
  const policy = stored && policyAtHand(runtime)
  return policy && waysUnder(stored.ways, key, policy)
}

/** Call it when an upstream changes, so that this process at least acts at once. */
export function forgetUpstreams({ cache }: Pick<Runtime, 'cache'>) {
  cache.forget(UPSTREAMS)
}

/** Fit to be called for a principal. @throws GatewayError as `place` does. */
export function upstreamFor(
  { id, place, credentialsFor, findings }: Configured,
  caller?: Caller | undefined,
): Upstream {
  return {
    id,
    ...place(),
    credentials: credentialsFor(caller),
    offers: findings?.offers,
    applications: findings?.applications,
    quotas: findings?.quotas,
  }
}

/** What an upstream of the environment is called: the first is the one without a name. */
export function environmentId({ config }: Pick<Runtime, 'config'>, provider: ProviderName): string {
  return provider === config.upstreams[0] ? 'default' : provider
}

async function load({ data, config }: Runtime) {
  const [rows, surveys] = await Promise.all([data.upstreams.all(), data.surveys.all()])
  const findings = new Map(surveys.map((survey) => [survey.upstreamId, survey.findings]))
  return { value: storedOf(rows, findings), ttl: TRUST, grace: config.outageGrace }
}

/** Where calls may go is not guessed. */
function cannotTell(cause: unknown): never {
  throw new GatewayError(
    'api_error',
    'The gateway cannot tell its upstreams just now: its database does not answer.',
    { cause, status: 503, retryAfter: 5 },
  )
}

function environments(lent: Lent, provider: ProviderName, { rows, findings }: Stored): Configured {
  const { config, credentials } = lent
  const id = environmentId(lent, provider)
  const row = rows.find((each) => each.kind === ENVIRONMENT && each.id === id)
  return {
    id,
    name: row?.name ?? id,
    kind: provider,
    enabled: row?.enabled ?? true,
    priority: row?.priority ?? 0,
    weight: row?.weight ?? 1,
    place: () => providerNamed(provider).place(config),
    credentialsFor: () => keptAlive(lent, credentials[provider]),
    findings: findings.get(id),
  }
}

function setUp(lent: Lent, row: UpstreamRow, { findings, places, preparations }: Stored): Configured {
  const { id, name, kind, enabled, priority, weight } = row
  return {
    id,
    name,
    kind,
    enabled,
    priority,
    weight,
    place() {
      const place = places.get(row) ?? kindNamed(kind).place(saidIn(row), lent.config.egress)
      places.set(row, place)
      return place
    },
    credentialsFor(caller) {
      const from = preparations.get(row) ?? prepared(row)
      preparations.set(row, from)
      let found: CredentialSource | undefined
      // Most upstreams are only judged: those take no place among the sessions that are kept.
      const source = () => (found ??= sourceFor(lent, from, caller))
      return keptAlive(lent, {
        get: (keep) => source().get(keep),
        reject: (refused) => source().reject(refused),
      })
    },
    findings: findings.get(id),
  }
}

/** Where work ends with its request unless it is registered, a renewal is. */
function keptAlive({ keyring, waitUntil }: Lent, source: CredentialSource): CredentialSource {
  if (keyring.means.shareLoads) return source
  return { get: () => source.get(waitUntil), reject: source.reject }
}

/** What was said of it, its secrets aside. */
function saidIn({ region, transport, settings }: UpstreamRow) {
  return { region: region ?? '', transport, settings }
}
