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

async function underTrouble(troubles: readonly (readonly [Name, Trouble])[]): Promise<Outcome[]> {
  const mends = await Promise.all(troubles.map(([name, trouble]) => trouble(sideOf(name))))
  const outcomes = await load(ROUND)
  for (const mend of mends) await mend()
  return outcomes
}

const quantile = (values: readonly number[], share: number) =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0)

test('each upstream fails in each way, in turn and together: nothing is lost, doubled or misplaced', {
  timeout: 200_000,
}, async () => {
  const figures: string[] = []
  const all: Outcome[] = []
  function note(what: string, outcomes: readonly Outcome[], mayBreak: boolean) {
    const count = (kind: Outcome['what']) => outcomes.filter((each) => each.what === kind).length
    const times = outcomes.map(({ ms }) => ms)
    const spread = `p50 ${quantile(times, 0.5)} p99 ${quantile(times, 0.99)} ms`
    figures.push(
      `${what}: ${outcomes.length} sent, ${count('answered')} answered, ${count('broken')} broken, ${spread}`,
    )
    expect.soft(outcomes.length, what).toBeGreaterThanOrEqual(CALLERS)
    expect
      .soft(
        outcomes.filter((each) => each.what === 'lost'),
        what,
      )
      .toEqual([])
    if (!mayBreak)
      expect
        .soft(
          outcomes.filter((each) => each.what === 'broken'),
          what,
        )
        .toEqual([])
    all.push(...outcomes)
  }
  note('calm', await load(ROUND), false)
  for (const [what, trouble] of Object.entries(UNSEEN))
    for (const name of NAMES) note(`${name} ${what}`, await underTrouble([[name, trouble]]), false)
  for (const [what, trouble] of Object.entries(SEEN))
    for (const name of NAMES) note(`${name} ${what}`, await underTrouble([[name, trouble]]), true)
  const [way = scripted(throttle()), ...ways] = Object.values(UNSEEN)
  for (let times = 0; times < 6; times++) {
    const [first, second] = [dice.one(NAMES), dice.one(NAMES)]
    const both = [...new Set([first, second])].map((name) => [name, dice.one([way, ...ways])] as const)
    note(`together ${both.map(([name]) => name).join(' and ')}`, await underTrouble(both), false)
  }
  const rows = await eventually(
    async () => {
      const found = await gateway.spend({ key: key.id })
      return found.length >= all.length && found.every(({ status }) => status !== 'pending')
        ? found
        : undefined
    },
    { within: 60_000, every: 500 },
  )
  const doubled = all.filter(({ starts }) => starts > 1).length
  const outside = far.seen.length
  const answered = all.filter(({ what }) => what === 'answered').length
  const broken = all.filter(({ what }) => what === 'broken').length
  console.log(
    [
      ...figures,
      `requests ${all.length}: answered ${answered}, broken after content ${broken}, lost ${all.length - answered - broken}`,
      `double message_start ${doubled}, requests outside the geography ${outside}, rows ${rows.length}`,
      `attempts upstream ${rows.reduce((sum, { attempts }) => sum + attempts, 0)}`,
    ].join('\n'),
  )
  expect(doubled).toBe(0)
  expect(outside).toBe(0)
  expect(rows).toHaveLength(all.length)
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)))
  expect(new Set(rows.map(({ region }) => region))).toEqual(new Set(['us-east-1']))
  expect(rows.filter(({ status }) => status === 'succeeded')).toHaveLength(answered)
  expect(broken).toBeGreaterThan(0)
})
