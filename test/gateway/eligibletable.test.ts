/** Every combination of what may speak against an upstream, judged by a second opinion that shares no code with the first. */
import { expect, test } from 'vitest'
import { memoryBindings } from '../../src/data/bindings/memory.ts'
import { GatewayError } from '../../src/errors.ts'
import type { Choice } from '../../src/gateway/routing/choice.ts'
import { choose } from '../../src/gateway/routing/choose.ts'
import { eligible, type Looks } from '../../src/gateway/routing/eligible.ts'
import { nowhere } from '../../src/gateway/routing/nowhere.ts'
import type { Configured } from '../../src/gateway/routing/upstreams.ts'
import { testRuntime } from '../runtime.ts'
import { MODEL, question, upstream } from './places.ts'

/** The upstream that is looked at is `it`; beside it is one that nothing speaks against, or none that is switched on. */
const DIMENSIONS = {
  enabled: [true, false],
  model: ['there', 'elsewhere', 'denied'],
  team: ['any', 'its own', 'others only'],
  kind: ['bedrock', 'vertex'],
  runs: ['eu', 'us'],
  providers: [undefined, null, ['bedrock'], ['bedrock', 'vertex']],
  geographies: [undefined, ['eu'], ['eu', 'us'], ['global']],
  healthy: [true, false],
  breakerOpen: [false, true],
  full: [false, true],
  keptTo: ['nothing', 'it', 'the other'],
  other: [true, false],
} as const

type Case = { [Name in keyof typeof DIMENSIONS]: (typeof DIMENSIONS)[Name][number] }

const NOW = 1_000_000
const IT = 'upstream_it'
const OTHER = 'upstream_other'

test('is as an independent oracle says, combination by combination', async () => {
  const wrong: unknown[] = []
  const seen = new Map<string, number>()
  let cases = 0
  for (const each of product()) {
    cases++
    const [said, expected] = [await outcomeOf(each), oracle(each)]
    seen.set(expected.what, (seen.get(expected.what) ?? 0) + 1)
    if (!agree(said, expected) && wrong.length < 5) wrong.push({ each, said, expected })
  }
  console.log(`${cases} combinations: ${[...seen].map(([what, times]) => `${what} ${times}`).join(', ')}`)
  expect(wrong).toEqual([])
  expect(seen.size, 'kinds of outcome').toBe(18)
  expect(cases).toBe(Object.values(DIMENSIONS).reduce((all, { length }) => all * length, 1))
}, 60_000)

interface Outcome {
  /** Ids in order; where the order is the hash's, sorted. */
  routes: readonly string[]
  reason: string | undefined
  despite: string | undefined
  error: string | undefined
}

type Expected = Outcome & { what: string; anyOrder: boolean }

/** What ought to be, from the words of the case alone. */
function oracle(each: Case): Expected {
  const forbidden = forbiddenBy(each)
  const kept = each.keptTo === 'it'
  const trouble = troubleOf(each)
  const base = { reason: undefined, despite: undefined, error: undefined, anyOrder: false }
  if (each.model === 'denied' && each.other)
    return { ...base, what: 'nowhere: denied', routes: [], error: 'policy_blocked' }
  if (forbidden !== undefined) {
    if (each.other) return { ...base, what: forbidden, routes: [OTHER], reason: forbidden }
    return { ...base, what: `nowhere: ${forbidden}`, routes: [], error: ERRORS[forbidden] ?? '' }
  }
  if (!each.other) return { ...base, what: 'alone', routes: [IT], despite: trouble }
  if (trouble === undefined) {
    if (each.keptTo === 'nothing') return { ...base, what: 'both', routes: [IT, OTHER], anyOrder: true }
    return { ...base, what: 'both', routes: kept ? [IT, OTHER] : [OTHER, IT] }
  }
  if (trouble !== 'unhealthy')
    return { ...base, what: trouble, routes: kept ? [IT, OTHER] : [OTHER, IT], despite: trouble }
  return { ...base, what: trouble, routes: [OTHER], reason: trouble }
}

function troubleOf({ healthy, breakerOpen, full }: Case): string | undefined {
  if (!healthy) return 'unhealthy'
  if (breakerOpen) return 'breaker_open'
  return full ? 'no_headroom' : undefined
}

const ERRORS: Readonly<Record<string, string>> = {
  disabled: 'api_error',
  no_model: 'not_found_error',
  not_asked: 'not_found_error',
  not_allowed: 'policy_blocked',
  provider: 'policy_blocked',
  geography: 'policy_blocked',
}

function forbiddenBy(each: Case): string | undefined {
  if (!each.enabled) return 'disabled'
  if (each.model === 'elsewhere') return 'no_model'
  if (each.kind === 'vertex' && each.providers === undefined) return 'not_asked'
  if (each.team === 'others only') return 'not_allowed'
  if (each.kind === 'vertex' && each.providers !== null && each.providers?.length === 1) return 'provider'
  if (each.model === 'denied') return 'not_allowed'
  if (each.runs === 'us' && each.geographies?.length === 1 && each.geographies[0] === 'eu') return 'geography'
  return undefined
}

async function outcomeOf(each: Case): Promise<Outcome> {
  const bindings = memoryBindings(() => NOW)
  const runtime = { ...RUNTIME, bindings }
  const it = itself(each)
  const all = [each.other ? OTHERS : SWITCHED_OFF, it]
  const asked = asking(each)
  const judged = eligible(all, asked, looks(each))
  const call = { session: 'a session', agent: undefined, id: 'req_1' }
  const principal = { userId: null, keyId: 'key_1' }
  if (each.keptTo !== 'nothing') {
    const name = JSON.stringify(['key_1', 'a session', null, judged.fit[0]?.route.model?.name ?? asked.name])
    bindings.keep(name, { from: undefined, to: each.keptTo === 'it' ? IT : OTHER, lasts: 1_000 })
  }
  const choice = await choose(runtime, { principal, call, policy: asked.policy }, judged)
  if (choice) return told(choice)
  const error = nowhere(all, judged.out, asked, [])
  if (!(error instanceof GatewayError)) throw error
  return { routes: [], reason: undefined, despite: undefined, error: error.type }
}

function told({ routes, leftOut, despite }: Choice): Outcome {
  const about = (list: Choice['leftOut'] = []) => list.find((each) => each.upstream === IT)?.reason
  return {
    routes: routes.map(({ upstream: { id } }) => id),
    reason: about(leftOut),
    despite: about(despite),
    error: undefined,
  }
}

function agree(said: Outcome, { what: _, anyOrder, ...expected }: Expected): boolean {
  const routes = anyOrder ? said.routes.toSorted() : said.routes
  return (
    JSON.stringify(Object.entries({ ...said, routes }).sort()) ===
    JSON.stringify(Object.entries(expected).sort())
  )
}

const RUNTIME = testRuntime()
const OTHERS = upstream('other', { region: 'eu-west-1' })
const SWITCHED_OFF = { ...OTHERS, enabled: false }

const ITSELF = new Map<string, Configured>()

function itself({ enabled, kind, runs, model }: Case): Configured {
  const key = `${enabled} ${kind} ${runs} ${model === 'elsewhere'}`
  const region = kind === 'vertex' ? runs : runs === 'eu' ? 'eu-central-1' : 'us-east-1'
  // Where the model is not offered: on Bedrock a profile that it does not have; Google is only asked for plain names.
  const place = model === 'elsewhere' && kind === 'bedrock' ? { place: { profile: 'apac' } } : {}
  const made = ITSELF.get(key) ?? upstream('it', { enabled, kind, region, ...place })
  ITSELF.set(key, made)
  return made
}

function asking({ model, team, providers, geographies, kind }: Case) {
  const upstreams = { any: null, 'its own': [IT, OTHER], 'others only': [OTHER] }[team]
  const policy = {
    upstreams,
    ...(providers === undefined ? {} : { providers }),
    ...(geographies === undefined ? {} : { geographies }),
  }
  // A Bedrock id of Europe is nothing to Google, and the other one has it.
  const name = model === 'elsewhere' && kind === 'vertex' ? `eu.anthropic.${MODEL}` : MODEL
  const models = model === 'denied' ? [{ models: null, deniedModels: [MODEL] }] : []
  return question({ name, models }, {}, policy)
}

function looks({ healthy, breakerOpen, full }: Case): Looks {
  return {
    now: NOW,
    health: ({ id }) =>
      id === IT && !healthy ? { healthy: false, reason: 'for a test' } : { healthy: true },
    breaker: (id) => (id === IT && breakerOpen ? { open: true, until: NOW + 5_000 } : { open: false }),
    headroom: ({ upstream: { id } }) => (id === IT && full ? { room: 0, wait: 3_000 } : { room: 1, wait: 0 }),
  }
}

function* product(names = Object.keys(DIMENSIONS) as (keyof Case)[]): Generator<Case> {
  const [name, ...rest] = names
  if (name === undefined) return yield {} as Case
  for (const value of DIMENSIONS[name])
    for (const others of product(rest)) yield { [name]: value, ...others } as Case
}
