import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RoutingPolicy } from '../../src/data/tables/upstreams.ts'
import type { Choice } from '../../src/gateway/routing/choice.ts'
import { choose } from '../../src/gateway/routing/choose.ts'
import { eligible, UNTROUBLED } from '../../src/gateway/routing/eligible.ts'
import { isPlace, reachOf } from '../../src/gateway/routing/geography.ts'
import { type Configured, upstreamFor } from '../../src/gateway/routing/upstreams.ts'
import { MODELS } from '../../src/protocol/models.ts'
import { providerNamed } from '../../src/providers/index.ts'
import type { Route } from '../../src/providers/provider.ts'
import { testRuntime } from '../runtime.ts'
import { MODEL, question, upstream } from './places.ts'

/** A second opinion on where places are, region by region; `elsewhere` is the rest of the world. */
const REGIONS: Readonly<Record<string, readonly string[]>> = {
  us: ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'us-east5', 'us-central1', 'google-us'],
  'us-gov': ['us-gov-east-1', 'us-gov-west-1'],
  eu: ['eu-west-1', 'eu-west-3', 'eu-central-1', 'eu-north-1', 'eu-south-1', 'europe-west1', 'google-eu'],
  jp: ['ap-northeast-1', 'ap-northeast-3', 'asia-northeast1'],
  au: ['ap-southeast-2', 'ap-southeast-4'],
  in: ['ap-south-1', 'ap-south-2'],
  ca: ['ca-central-1', 'northamerica-northeast1'],
  elsewhere: ['sa-east-1', 'me-central-1', 'ap-southeast-1', 'ap-northeast-2'],
}
const ASIAN = ['jp', 'au', 'in'].flatMap((each) => REGIONS[each] ?? [])
const WORLD = Object.values(REGIONS).flat()

function regionsOf(place: string): readonly string[] {
  if (place === 'global') return WORLD
  if (place === 'apac') return [...ASIAN, 'ap-southeast-1', 'ap-northeast-2']
  return REGIONS[place] ?? [place]
}

/** Wherever this could run, as the ledger would have it. */
function couldRunIn({ upstream: { provider, region }, regionClass }: Route): readonly string[] {
  if (regionClass === 'global') return WORLD
  if (provider === 'vertex') return region.includes('-') ? [region] : [`google-${region}`]
  return regionClass === 'region' ? [region] : [...regionsOf(regionClass), region]
}

const awsRegion = fc.constantFrom(
  ...[
    'us-east-1',
    'us-west-2',
    'eu-west-1',
    'eu-central-1',
    'ap-northeast-1',
    'ap-southeast-2',
    'ap-south-1',
  ],
  ...['us-gov-west-1', 'ca-central-1', 'sa-east-1', 'ap-southeast-1', 'me-central-1'],
)
const profile = fc.constantFrom(undefined, undefined, 'global', 'us', 'eu', 'jp', 'apac')

const anUpstream: fc.Arbitrary<Parameters<typeof upstream>[1]> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ region: awsRegion, profile, wire: fc.constantFrom('invoke', 'mantle', 'claude-platform') })
      .map(bedrockAt),
  },
  fc
    .constantFrom('global', 'us', 'eu', 'us-east5', 'europe-west1', 'asia-northeast1')
    .map((region) => ({ kind: 'vertex', region })),
  fc.constant({ kind: 'anthropic', region: 'global' }),
)

function bedrockAt({ region, profile, wire }: { region: string; profile: string | undefined; wire: string }) {
  const place = { wire: wire as 'invoke', ...(profile === undefined ? {} : { profile }) }
  return { region, place }
}

const aPlace = fc.constantFrom(
  'us',
  'us-gov',
  'eu',
  'jp',
  'au',
  'in',
  'apac',
  'ca',
  'global',
  'us-east-1',
  'eu-west-1',
  'ap-northeast-1',
  'europe-west1',
)
const geographies = fc.option(fc.uniqueArray(aPlace, { minLength: 1, maxLength: 6 }), { nil: undefined })
const aName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...MODELS.slice(0, 8).map(({ name }) => name)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...MODELS.flatMap(({ bedrockId, profiles }) => [
        bedrockId,
        ...profiles.map((each) => `${each}.${bedrockId}`),
      ]),
    ),
  },
  fc.constantFrom(
    'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc',
    'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-5-5',
    'claude-opus-9',
  ),
)

async function choiceOf(
  all: readonly Configured[],
  name: string,
  organisation: RoutingPolicy,
  team: RoutingPolicy,
) {
  const asked = question({ name }, organisation, team)
  const call = { id: 'req_1', session: 'a', agent: undefined }
  const chooser = { principal: asked.principal ?? { keyId: '', userId: null }, call, policy: asked.policy }
  return choose(RUNTIME, chooser, eligible(all, asked, UNTROUBLED))
}

const RUNTIME = testRuntime()

test('no call leaves the geographies that the organisation and its team name, whatever is set up and however it is asked for', async () => {
  const seen = { routed: 0, refused: 0, bounded: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(anUpstream, { minLength: 1, maxLength: 6 }),
      aName,
      geographies,
      geographies,
      async (wishes, name, ours, theirs) => {
        const all = wishes.map((wish, index) => upstream(`u${index}`, wish))
        const bounds = [ours, theirs].filter((each) => each !== undefined)
        const policy = (list: string[] | undefined) => ({
          providers: null,
          ...(list ? { geographies: list } : {}),
        })
        const choice: Choice | undefined = await choiceOf(all, name, policy(ours), policy(theirs))
        seen[choice ? 'routed' : 'refused']++
        if (!choice || bounds.length === 0) return
        seen.bounded++
        for (const route of choice.routes)
          for (const list of bounds) {
            const allowed = new Set(list.flatMap(regionsOf))
            const outside = couldRunIn(route).filter((region) => !allowed.has(region))
            expect(outside, `${route.modelId} at ${route.upstream.region} with ${list}`).toEqual([])
          }
      },
    ),
    { numRuns: 20_000 },
  )
  console.log(`random calls: ${JSON.stringify(seen)}`)
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(1_000)
}, 60_000)

describe('a policy of geographies', () => {
  const irish = upstream('irish', { region: 'eu-west-1' })
  const canadian = upstream('canadian', { region: 'ca-central-1', place: { profile: 'us' } })
  const routes = async (all: Configured[], name: string, list: string[]) =>
    (await choiceOf(all, name, { geographies: list }, {}))?.routes.map(({ modelId }) => modelId)

  test('lets nobody leave by asking for global by name, but where it names that itself', async () => {
    expect(await routes([irish], `global.anthropic.${MODEL}`, ['eu'])).toBeUndefined()
    expect(await routes([irish], `global.anthropic.${MODEL}`, ['eu', 'global'])).toEqual([
      `global.anthropic.${MODEL}`,
    ])
    expect(await routes([irish], MODEL, ['eu'])).toEqual([`eu.anthropic.${MODEL}`])
  })

  test('of regions takes what stays in one, not a profile that may leave it', async () => {
    expect(await routes([irish], MODEL, ['eu-west-1'])).toBeUndefined()
    expect(await routes([irish], `anthropic.${MODEL}`, ['eu-west-1'])).toEqual([`anthropic.${MODEL}`])
  })

  test('takes a profile whose regions are known to be all named', async () => {
    const id = `eu.anthropic.${MODEL}`
    const offers = (regions: string[]) => ({ ...irish, findings: { checks: [], offers: [{ id, regions }] } })
    expect(await routes([offers(['eu-west-1', 'eu-west-3'])], MODEL, ['eu-west-1', 'eu-west-3'])).toEqual([
      id,
    ])
    expect(
      await routes([offers(['eu-west-1', 'eu-north-1'])], MODEL, ['eu-west-1', 'eu-west-3']),
    ).toBeUndefined()
    expect(await routes([offers([])], MODEL, ['eu'])).toBeUndefined()
  })

  test('counts where a call enters: a Canadian upstream may use the profiles of the US', async () => {
    expect(await routes([canadian], MODEL, ['us'])).toBeUndefined()
    expect(await routes([canadian], MODEL, ['us', 'ca'])).toEqual([`us.anthropic.${MODEL}`])
  })

  test('takes an application profile that nobody could look up for one that may run anywhere', async () => {
    const arn = 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc'
    expect(await routes([irish], arn, ['eu', 'eu-west-1'])).toBeUndefined()
    expect(await routes([irish], arn, ['global'])).toEqual([arn])
  })

  test('that is empty lets nothing run', async () => {
    expect(await routes([irish], MODEL, [])).toBeUndefined()
  })
})

test.each([
  ['vertex', 'us', ['us']],
  ['vertex', 'global', ['global']],
  ['vertex', 'europe-west1', ['europe-west1']],
  ['anthropic', 'global', ['global']],
  ['bedrock', 'us-gov-west-1', ['us-gov', 'us-gov-west-1']],
  ['bedrock', 'eu-west-1', ['eu', 'eu-west-1']],
])('%s in %s may run in %j', (kind, region, reach) => {
  const found = providerNamed(kind).find(MODEL, upstreamFor(upstream('any', { kind, region })))
  expect(found && reachOf(found)).toEqual(reach)
})

test('a policy may name geographies and regions of AWS and of Google, and nothing else', () => {
  for (const place of [
    'eu',
    'us-gov',
    'global',
    'eu-west-1',
    'us-gov-west-1',
    'europe-west1',
    'us-east5',
    'northamerica-northeast1',
  ])
    expect(isPlace(place), place).toBe(true)
  for (const place of ['', 'EU', 'europe', 'eu-west', 'eu west 1', 'region', '../eu-1', 'eu-west-1000'])
    expect(isPlace(place), place).toBe(false)
})
