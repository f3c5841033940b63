/** Upstreams as eligibility sees them, without accounts behind them. */
import { keptCredentials } from '../../src/aws.ts'
import type { RoutingPolicy } from '../../src/data/tables/upstreams.ts'
import type { Question } from '../../src/gateway/routing/eligible.ts'
import { policyFrom } from '../../src/gateway/routing/policy.ts'
import type { Configured } from '../../src/gateway/routing/upstreams.ts'
import { profileFor } from '../../src/providers/bedrock/geographies.ts'
import type { Place } from '../../src/providers/provider.ts'

interface Wish extends Partial<Omit<Configured, 'place' | 'credentialsFor'>> {
  region?: string
  place?: Partial<Place>
}

const nobody = keptCredentials(
  async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not a secret' }),
  () => 0,
)

/** One that was set up by an admin, of Bedrock where nothing else is said. */
export function upstream(id: string, { region = 'eu-west-1', place, ...wish }: Wish = {}): Configured {
  const { kind = 'bedrock' } = wish
  const bedrock = { wire: 'invoke', profile: profileFor(region, undefined) } as const
  const whole: Place = {
    provider: kind,
    region,
    endpoint: `https://${id}.test`,
    ...(kind === 'bedrock' ? bedrock : { wire: kind === 'vertex' ? 'vertex' : 'anthropic' }),
    ...place,
  }
  return {
    id: `upstream_${id}`,
    name: id,
    kind,
    enabled: true,
    priority: 0,
    weight: 1,
    findings: undefined,
    place: () => whole,
    credentialsFor: () => nobody,
    ...wish,
  }
}

export const MODEL = 'claude-opus-5-5'

/** Of somebody to whom nothing is forbidden but what the policies say. */
export function question(
  wish: Partial<Omit<Question, 'policy'>> = {},
  organisation: RoutingPolicy = {},
  team: RoutingPolicy | null = null,
): Question {
  const principal = { keyId: 'key_1', userId: null, teamId: null }
  return {
    name: MODEL,
    at: undefined,
    models: [],
    principal,
    ...wish,
    policy: policyFrom(organisation, team),
  }
}
