/** Rate limits in a real Redis, over TCP and over HTTP: what every store must do, and that they agree with memory. */
import fc from 'fast-check'
import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Holders, holders } from '../../src/data/limits/holders.ts'
import { type MemoryLimits, memoryLimits } from '../../src/data/limits/memory.ts'
import { openRedis } from '../../src/data/limits/redis.ts'
import type { ScriptedLimits, ScriptedOptions } from '../../src/data/limits/scripted.ts'
import { upstashLimits } from '../../src/data/limits/upstash.ts'
import type { Granted, Limits, Want } from '../../src/data/limits.ts'
import { limitsSuite, type OpenedLimits } from '../data/limitssuite.ts'
import { DAY, grantedAt, holding, wanting } from '../data/wants.ts'
import { type FakeUpstash, startFakeUpstash } from '../fakes/upstash.ts'
import { findRedis, type Redis } from '../services/redis.ts'

const found = await findRedis()
if ('missing' in found) test.skip(found.missing, () => {})

const PATIENCE = 5_000

describe.skipIf('missing' in found)('limits in a real Redis', () => {
  let redis: Redis
  let upstash: FakeUpstash
  let client: Client
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    redis = await found.start()
    upstash = await startFakeUpstash(redis.url)
    client = new Client(redis.url)
  })
  afterAll(async () => {
    client.disconnect()
    await upstash.close()
    await redis.close()
  })

  const overTcp: Open = (clock, own) => openRedis(redis.url, PATIENCE, lasting(clock, own))
  const overHttp: Open = async (clock, own) => ({
    limits: upstashLimits(upstash, lasting(clock, own)),
    close() {},
  })

  describe.each([
    ['TCP', overTcp],
    ['HTTP', overHttp],
  ])('over %s', (way, open) => {
    limitsSuite(open)

    const group = (name: string) => `${way}_${name}_${process.pid}_${Date.now()}`

    test('agree with those in memory on any sequence of calls, settlements, floors, deaths and pauses', async () => {
      const clock = { now: Date.UTC(2026, 10, 20) }
      const local = memoryLimits(() => clock.now)
      const seen: Seen = { granted: 0, refused: 0, unknown: 0, deaths: 0 }
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
          const replicas = [0, 1].map((number) => `${way}_${process.pid}_${run}_${number}`)
          const opened = await Promise.all(replicas.map((name) => open(() => clock.now, holderNamed(name))))
          const kill = (name: string) => client.zrem('outcrop:limits:{all}', name)
          const shared = opened.map(({ limits }) => limits)
          await inStep({ local, shared, replicas, kill, clock, group: group(`agree${run++}`), seen }, steps)
          await Promise.all(opened.map(({ close }) => close()))
        }),
        { numRuns: 100 },
      )
      console.log(`${way}: memory and Redis agreed on ${JSON.stringify(seen)}`)
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(50)
    })

    test("go by the server's clock, and leave nothing behind once they are full again", async () => {
      const { limits, close } = await open()
      const name = group('clock')
      const want = wanting(1, { cap: 5, per: 500 })
      for (let call = 0; call < 5; call++) expect((await limits.take([{ ...want, name }])).granted).toBe(true)
      const [key = ''] = await client.keys(`*${name}`)
      expect(await client.pttl(key)).toBeGreaterThan(0)
      await expect.poll(() => client.exists(key), { timeout: 5_000 }).toBe(0)
      expect(await limits.take([{ ...want, name }])).toMatchObject(grantedAt(1))
      await close()
    })

    test('lift an account that they know, and leave alone what they do not', async () => {
      const { limits, close } = await open()
      const [known, other] = [group('known'), group('other')]
      await limits.take([holding(0, { name: known, floor: 10 })])
      await limits.lift([known, other].map((name) => ({ name, floor: 30, until: Date.now() + DAY })))
      const taken = await limits.take([holding(0, { name: known }), holding(0, { name: other })])
      expect(taken).toMatchObject({ standings: [{ spent: 30 }, { spent: 0 }], unknown: [1] })
      await close()
    })

    test('outlive a server that has forgotten the script', async () => {
      const { limits, close } = await open()
      await limits.take([wanting(1, { name: group('script') })])
      await client.script('FLUSH')
      expect(await limits.take([wanting(1, { name: group('flushed') })])).toMatchObject(grantedAt(1))
      await close()
    })
  })

  test('over TCP and over HTTP are the same limits', async () => {
    const tcp = await overTcp()
    const name = `same_${Date.now()}`
    await tcp.limits.take([wanting(9, { name })])
    const http = await overHttp()
    expect((await http.limits.take([wanting(2, { name })])).granted).toBe(false)
    await tcp.close()
  })

  test('of all calls share a hash tag, so that one script sees all of them', async () => {
    const { limits, close } = await overTcp()
    await limits.take([wanting(1, { name: 'tagged:a' }), holding(1, { name: 'tagged:b', floor: 0 })])
    const keys = await client.keys('outcrop:*')
    expect(keys).toEqual(
      expect.arrayContaining(['outcrop:limits:{all}:tagged:a', 'outcrop:limits:{all}:tagged:b']),
    )
    expect(keys.filter((key) => !key.startsWith('outcrop:limits:{all}'))).toEqual([])
    await close()
  })

  test('are taken in one command, settled in one and raised in one, however many they are', async () => {
    const { limits, close } = await overTcp()
    const wants = Array.from({ length: 6 }, (_, index) => [
      wanting(1, { name: `many:rate:${index}` }),
      holding(1, { name: `many:hold:${index}`, floor: 0 }),
    ]).flat()
    const floors = wants.map(({ name }) => ({ name: `${name}:other`, floor: 1, until: Date.now() + DAY }))
    await (await granted(limits, wants)).settle([])
    await limits.raise(floors)
    const sent: string[] = []
    const monitor = await client.monitor()
    monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
      if (source !== 'lua') sent.push(command.toLowerCase())
    })
    const grant = await granted(limits, wants)
    await grant.settle(wants.map(() => 1))
    await limits.raise(floors)
    await client.ping()
    await expect.poll(() => sent).toEqual(['evalsha', 'evalsha', 'evalsha', 'ping'])
    monitor.disconnect()
    await close()
  })

  test('over HTTP: one request a call, never a second try, and no word of what runs where', async () => {
    const { limits } = await overHttp()
    await limits.take([wanting(1), wanting(1, { name: 'tokens' })])
    upstash.commands.length = 0
    await limits.take([wanting(1), wanting(1, { name: 'tokens' })])
    expect(upstash.commands).toEqual(['evalsha'])
    expect([...upstash.extras]).toEqual([])
    for (const failure of [
      { status: 500, body: '<html>' },
      { status: 401, body: '{"error":"Unauthorized"}' },
      { status: 200, body: '{"result":["1","x","y"]}' },
      { status: 200, body: '{"result":null}' },
    ]) {
      upstash.commands.length = 0
      upstash.failure = failure
      await expect(limits.take([wanting(1)]), failure.body).rejects.toThrow()
      expect(upstash.commands).toEqual(['evalsha'])
    }
    upstash.failure = undefined
    expect((await limits.take([wanting(1)])).granted).toBe(true)
  })
})

type Open = (clock?: () => number, own?: Holders) => Promise<OpenedLimits & { limits: ScriptedLimits }>

/** What was granted, which it must be. */
async function granted(limits: Limits, wants: readonly Want[]): Promise<Granted> {
  const taken = await limits.take(wants)
  if (!taken.granted) throw new Error('refused')
  return taken
}

/** What is held outlives any pause that a test makes. */
function lasting(clock?: () => number, own?: Holders): ScriptedOptions {
  const liveness = 1_000 * DAY
  return { holders: own ?? holders({ now: clock ?? Date.now, liveness, turn: liveness }), liveness, clock }
}

/** A process that always holds under one name. */
function holderNamed(name: string): Holders {
  return { enter: () => ({ name, leave() {}, lose() {} }), due: () => [] }
}

interface Stage {
  local: MemoryLimits
  /** Of each replica, its way to the store, and its name. */
  shared: readonly ScriptedLimits[]
  replicas: readonly string[]
  kill(name: string): Promise<unknown>
  clock: { now: number }
  group: string
  seen: Seen
}

interface Seen {
  granted: number
  refused: number
  unknown: number
  deaths: number
}

/** Does the same with memory and with the store, and expects the same of them. */
async function inStep(stage: Stage, steps: readonly Step[]): Promise<void> {
  const { local, shared, replicas, clock, seen } = stage
  const open: { by: number; grants: readonly [Granted, Granted] }[] = []
  for (const each of steps) {
    clock.now += each.wait
    const wants = wantsOf(stage, each)
    const there = await shared[each.by]?.take(wants)
    const here = local.take(wants, replicas[each.by])
    expect({ ...there, settle: null, abandon: null }).toEqual({ ...here, settle: null, abandon: null })
    seen[here.granted ? 'granted' : here.unknown.length > 0 ? 'unknown' : 'refused']++
    if (here.granted && there?.granted) open.push({ by: each.by, grants: [here, there] })
    if (each.settles) {
      for (const grant of open.pop()?.grants ?? []) await grant.settle(each.settles)
    }
    await lift(stage, each)
    if (!each.dies) continue
    // Of a dead process's own calls nothing more is heard.
    open.splice(0, open.length, ...open.filter(({ by }) => by !== each.by))
    await die(stage, each.by, wants)
  }
}

/** To what the ledger would say. */
async function lift({ local, shared, clock, group }: Stage, { by, raises, begins }: Step) {
  if (raises === undefined) return
  const floors = [{ name: `${group}:team`, floor: raises, until: clock.now + DAY / 4 }]
  const how = begins ? 'raise' : 'lift'
  local[how](floors)
  await shared[by]?.[how](floors)
}

/** What it held falls back as others come across it: here, at once. */
async function die({ local, shared, replicas, kill, seen }: Stage, by: 0 | 1, wants: readonly Want[]) {
  seen.deaths++
  const name = replicas[by] ?? ''
  local.drop(name)
  await kill(name)
  const look = wants.map((want) => ({ ...want, cap: 0, cost: 1, floor: undefined }))
  const [here, there] = [local.take(look, replicas[1 - by]), await shared[1 - by]?.take(look)]
  expect(there).toEqual(here)
}

/** In buckets that fill in half a day: Redis forgets by its own clock, which must not be noticed here. */
function wantsOf({ group, clock }: Stage, { costs, floor, lives }: Step): Want[] {
  const [requests, tokens, dollars] = costs
  const until = clock.now + lives
  const wants = [
    wanting(requests, { per: DAY / 2 }),
    wanting(tokens, { name: 'tokens', cap: 7_777, per: DAY / 2 }),
    holding(dollars, { cap: 50_000_000_000, until, floor }),
    holding(dollars, { name: 'team', cap: null, until, floor }),
    holding(1, { name: 'concurrent', cap: 3, until, floor: 0 }),
  ]
  return wants.map((want) => ({ ...want, name: `${group}:${want.name}` }))
}

interface Step {
  wait: number
  by: 0 | 1
  costs: [number, number, number]
  floor: number | undefined
  /** For how long the accounts are known. */
  lives: number
  settles: number[] | undefined
  raises: number | undefined
  /** What is not known, too. */
  begins: boolean
  dies: boolean
}

const dollars = fc.integer({ min: 0, max: 20_000_000_000 })
const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.integer({ min: 0, max: DAY / 8 }),
  by: fc.constantFrom(0 as const, 1 as const),
  costs: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 3_000 }), dollars),
  floor: fc.option(dollars, { nil: undefined, freq: 2 }),
  lives: fc.integer({ min: 0, max: DAY }),
  settles: fc.option(
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4_000 }), dollars, dollars),
    { nil: undefined },
  ),
  raises: fc.option(dollars, { nil: undefined, freq: 3 }),
  begins: fc.boolean(),
  dies: fc.integer({ min: 0, max: 15 }).map((chance) => chance === 0),
})
