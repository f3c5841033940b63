/** The upstreams there are: those that the environment describes, and those that admins have set up. */
import type { CredentialSource } from '../../aws.ts'
import type { ProviderName } from '../../config.ts'
import type { Findings } from '../../protocol/findings.ts'
import { providerNamed } from '../../providers/index.ts'
import type { Place, Upstream } from '../../providers/provider.ts'
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'

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
  credentialsFor(principal: Pick<Principal, 'keyId' | 'userId' | 'teamId'> | undefined): CredentialSource
  /** What is known of it; undefined where nobody has asked yet. */
  findings: Findings | undefined
}

/** All of them, enabled or not: the environment's first, each list in its order. */
export async function configured(runtime: Runtime): Promise<readonly Configured[]> {
  return runtime.config.upstreams.map((provider) => environments(runtime, provider))
}

/** Fit to be called for a principal. @throws GatewayError as `place` does. */
export function upstreamFor(
  { id, place, credentialsFor, findings }: Configured,
  principal?: Pick<Principal, 'keyId' | 'userId' | 'teamId'>,
): Upstream {
  return {
    id,
    ...place(),
    credentials: credentialsFor(principal),
    offers: findings?.offers,
    quotas: findings?.quotas,
  }
}

function environments({ config, credentials }: Runtime, provider: ProviderName): Configured {
  const id = provider === config.upstreams[0] ? 'default' : provider
  return {
    id,
    name: id,
    kind: provider,
    enabled: true,
    priority: 0,
    weight: 1,
    place: () => providerNamed(provider).place(config),
    credentialsFor: () => credentials[provider],
    findings: undefined,
  }
}
