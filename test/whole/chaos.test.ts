/**
 * Upstreams that fail in every way, in turn and together, while a load goes on: no request is lost, none is answered
 * twice, none runs where it may not, and each has one row.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, type Step, startFakeBedrock } from '../fakes/bedrock.ts'
import { refuseWith, throttle } from '../fakes/steps.ts'
import { ask, eventsIn, said } from './caller.ts'
import { type Chance, chance } from './chance.ts'
import { eventually } from './eventually.ts'
import { type Gateway, startGateway } from './gateway.ts'

const NAMES = ['default', 'bravo', 'charlie'] as const
type Name = (typeof NAMES)[number]

/** An upstream that can be made to fail until it is mended. */
interface Side {
  fake: FakeBedrock
  /** Requests it had before it was last reset. */
  had: number
}

/** What goes wrong; what is given back mends it. */
type Trouble = (side: Side) => (() => void | Promise<void>) | Promise<() => void | Promise<void>>

const scripted =
  (...steps: Step[]): Trouble =>
  (side) => {
    side.fake.script(...Array.from({ length: 400 }, () => steps).flat())
    return () => {
      side.had += side.fake.seen.length
      side.fake.reset()
    }
  }

/** Before the first content nobody may notice. */
const UNSEEN: Readonly<Record<string, Trouble>> = {
  throttle: scripted(throttle()),
  '5xx': scripted(refuseWith('InternalServerException'), refuseWith('ServiceUnavailableException')),
  slow: scripted({ kind: 'stall', at: 'before headers' }),
  'slow to speak': scripted({ kind: 'stall', at: 1 }),
  'cut before content': scripted(
    { kind: 'cut', bytes: 0 },
    { kind: 'cut', events: 1 },
    { kind: 'exception', name: 'modelStreamErrorException', after: 1 },
  ),
  'bad credentials': ({ fake }) => {
    const { secretAccessKey } = fake.credentials
    fake.credentials.secretAccessKey = 'another secret, which nobody has'
    return () => void Object.assign(fake.credentials, { secretAccessKey })
  },
  'expired role': ({ fake }) => {
    fake.expired.add(fake.credentials.accessKeyId)
    return () => fake.expired.clear()
  },
  'region gone': async (side) => {
    const port = Number(new URL(side.fake.url).port)
    await side.fake.close()
    return async () => {
      side.had += side.fake.seen.length
      side.fake = await startFakeBedrock({ ...KEYS, port, pace: PACE })
    }
  },
}

/** After it the client is told, since nothing can be taken back. */
const SEEN = { 'cut after content': scripted({ kind: 'cut', events: 4 }) } as const satisfies Record<
  string,
  Trouble
>

/** Of a form that AWS's have. */
const KEYS = { credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'only-for-tests' } }
const PACE = 2
const CALLERS = 8
/** Milliseconds of load for each trouble. */
const ROUND = 700
const dice: Chance = chance(11)

const sides = new Map<Name, Side>()
let far: FakeBedrock
let gateway: Gateway
let key: { key: string; id: string }

beforeAll(async () => {
  for (const name of NAMES) sides.set(name, { fake: await startFakeBedrock({ ...KEYS, pace: PACE }), had: 0 })
  far = await startFakeBedrock({ ...KEYS, region: 'eu-west-1' })
  gateway = await startGateway({
    bedrock: sideOf('default').fake,
    env: { EGRESS_ALLOW_LOOPBACK: 'true', SLOW_AFTER_SECONDS: '0.5' },
  })
  for (const name of ['bravo', 'charlie'] as const) await setUp(name, sideOf(name).fake)
  await setUp('far', far)
  const policy = { strategy: 'sticky', geographies: ['us'] }
  expect((await gateway.admin('PUT', '/routing', policy)).status).toBe(200)
  key = await gateway.makeKey()
}, 60_000)
afterAll(async () => {
  await gateway.clear()
  await Promise.all([far, ...[...sides.values()].map(({ fake }) => fake)].map((fake) => fake.close()))
})

function sideOf(name: Name): Side {
  const side = sides.get(name)
  if (!side) throw new Error(`there is no ${name}`)
  return side
}

async function setUp(name: string, { url, region, credentials }: FakeBedrock) {
  const { accessKeyId, secretAccessKey } = credentials
  const settings = { credentials: 'keys', accessKeyId, secretAccessKey, endpoint: url, controlEndpoint: url }
  const made = await gateway.admin('POST', '/upstreams', { kind: 'bedrock', name, region, settings })
  expect(made.status, await made.clone().text()).toBe(201)
}

interface Outcome {
  id: string
  what: 'answered' | 'broken' | 'lost'
  starts: number
  ms: number
  words: string
}

async function one(session: number, stream: boolean): Promise<Outcome> {
  const began = performance.now()
  const response = await ask(gateway, said('!say one two three four five', { stream }), {
    'x-api-key': key.key,
    'x-claude-code-session-id': `session-${session}`,
  }).catch(() => undefined)
  const text = (await response?.text().catch(() => '')) ?? ''
  const ms = performance.now() - began
  const outcome = { id: response?.headers.get('request-id') ?? '', ms, starts: 0, words: text.slice(-300) }
  if (response?.status !== 200)
    return { ...outcome, what: /"type":"error"/.test(text) && !stream ? 'broken' : 'lost' }
  if (!stream) return { ...outcome, what: JSON.parse(text).stop_reason === 'end_turn' ? 'answered' : 'lost' }
  const names = eventsIn(text).map(({ name }) => name)
  const starts = names.filter((name) => name === 'message_start').length
  const last = names.at(-1)
  return {
    ...outcome,
    starts,
    what: last === 'message_stop' ? 'answered' : last === 'error' ? 'broken' : 'lost',
  }
}

/** A load for a while: sessions of their own, half of it in streams. */
async function load(milliseconds: number): Promise<Outcome[]> {
  const until = performance.now() + milliseconds
  const outcomes: Outcome[] = []
  const caller = async (number: number) => {
    for (let turn = 0; performance.now() < until; turn++)
      outcomes.push(await one((number + CALLERS * turn) % 24, turn % 2 === 0))
  }
  await Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)))
  return outcomes
}

interface Round {
  what: string
  outcomes: readonly Outcome[]
  /** Requests that came to who was in trouble; nobody knows of one that is gone. */
  met: number
  mayBreak: boolean
}

async function underTrouble(
  what: string,
  troubles: readonly (readonly [Name, Trouble])[],
  mayBreak = false,
): Promise<Round> {
  const troubled = troubles.map(([name]) => sideOf(name))
  const before = troubled.map(seenBy)
  const mends = await Promise.all(troubles.map(([name, trouble]) => trouble(sideOf(name))))
  const outcomes = await load(ROUND)
  for (const mend of mends) await mend()
  const met = troubled.reduce((sum, side, index) => sum + seenBy(side) - (before[index] ?? 0), 0)
  return { what: `${troubles.map(([name]) => name).join(' and ')} ${what}`, outcomes, met, mayBreak }
}

function seenBy({ fake, had }: Side): number {
  return had + fake.seen.length
}

/** In turn, each in each way; then two at a time. */
async function allTroubles(): Promise<Round[]> {
  const rounds: Round[] = [{ what: 'calm', outcomes: await load(ROUND), met: 0, mayBreak: false }]
  for (const [what, trouble] of Object.entries(UNSEEN))
    for (const name of NAMES) rounds.push(await underTrouble(what, [[name, trouble]]))
  for (const [what, trouble] of Object.entries(SEEN))
    for (const name of NAMES) rounds.push(await underTrouble(what, [[name, trouble]], true))
  const [way = scripted(throttle()), ...ways] = Object.values(UNSEEN)
  for (let times = 0; times < 6; times++) {
    const first = dice.below(NAMES.length)
    const second = (first + 1 + dice.below(NAMES.length - 1)) % NAMES.length
    const both = [first, second].map(
      (index) => [NAMES[index] ?? 'default', dice.one([way, ...ways])] as const,
    )
    rounds.push(await underTrouble('in two ways', both))
  }
  return rounds
}

const quantile = (values: readonly number[], share: number) =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0)
const those = (outcomes: readonly Outcome[], what: Outcome['what']) =>
  outcomes.filter((each) => each.what === what)

function tell({ what, outcomes, met }: Round): string {
  const times = outcomes.map(({ ms }) => ms)
  const ends = `${those(outcomes, 'answered').length} answered, ${those(outcomes, 'broken').length} broken`
  return `${what}: ${outcomes.length} sent, ${met} met it, ${ends}, p50 ${quantile(times, 0.5)} p99 ${quantile(times, 0.99)} ms`
}

test('each upstream fails in each way, in turn and together: nothing is lost, doubled or misplaced', {
  timeout: 300_000,
}, async () => {
  const rounds = await allTroubles()
  const all = rounds.flatMap(({ outcomes }) => outcomes)
  const rows = await eventually(
    async () => {
      const found = await gateway.spend({ key: key.id })
      const isWhole = found.length >= all.length && found.every(({ status }) => status !== 'pending')
      return isWhole ? found : undefined
    },
    { within: 60_000, every: 500 },
  )
  const [answered, broken, lost] = [those(all, 'answered'), those(all, 'broken'), those(all, 'lost')]
  const doubled = all.filter(({ starts }) => starts > 1)
  const attempts = rows.reduce((sum, row) => sum + row.attempts, 0)
  console.log(
    [
      ...rounds.map(tell),
      `requests ${all.length}: answered ${answered.length}, broken after content ${broken.length}, lost ${lost.length}`,
      `double message_start ${doubled.length}, outside the geography ${far.seen.length}, rows ${rows.length}, attempts ${attempts}`,
    ].join('\n'),
  )
  expect(lost).toEqual([])
  expect(doubled).toEqual([])
  expect(far.seen).toEqual([])
  for (const { what, outcomes, mayBreak } of rounds) {
    expect(outcomes.length, what).toBeGreaterThanOrEqual(CALLERS)
    if (!mayBreak) expect(those(outcomes, 'broken'), what).toEqual([])
  }
  for (const what of Object.keys({ ...UNSEEN, ...SEEN }))
    if (what !== 'region gone')
      expect(
        rounds.filter((round) => round.what.endsWith(what)).reduce((sum, { met }) => sum + met, 0),
        what,
      ).toBeGreaterThan(0)
  expect(rows).toHaveLength(all.length)
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)))
  expect(new Set(rows.map(({ region }) => region))).toEqual(new Set(['us-east-1']))
  expect(rows.filter(({ status }) => status === 'succeeded')).toHaveLength(answered.length)
  expect(broken.length).toBeGreaterThan(0)
})
