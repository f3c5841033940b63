/** Replicas on one real Redis: how exactly calls under way and money are held to their caps, and what comes back when. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { Redis as Client } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { holders } from '../../src/data/limits/holders.ts'
import { openRedis } from '../../src/data/limits/redis.ts'
import { type ScriptedLimits, scriptedLimits } from '../../src/data/limits/scripted.ts'
import { accountOf, type Hold } from '../../src/data/limits.ts'
import { holding } from '../data/wants.ts'
import { findRedis, type Redis } from '../services/redis.ts'
import { eventually } from './eventually.ts'

const found = await findRedis()
if ('missing' in found) test.skip(found.missing, () => {})

const LIVENESS = 60_000
const PATIENCE = 5_000

describe.skipIf('missing' in found)('replicas on one Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    redis = await found.start()
  })
  afterAll(() => redis.close())
  const closing: (() => unknown)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  /** One of several, on the clock that is given. */
  async function replica(now: () => number, liveness = LIVENESS): Promise<ScriptedLimits> {
    const own = holders({ now, liveness })
    const { limits, close } = await openRedis(redis.url, PATIENCE, { holders: own, liveness, clock: now })
    closing.push(close)
    return limits
  }
  const replicas = (now: () => number = Date.now) =>
    Promise.all(Array.from({ length: 4 }, () => replica(now)))
  let names = 0
  const own = (name: string) => `${name}:${process.pid}:${Date.now()}:${names++}`
  /** As one that holds nothing sees it. */
  async function seenBy(limits: ScriptedLimits, want: Hold): Promise<number> {
    return accountOf((await limits.take([{ ...want, cap: 0, floor: undefined }])).standings[0]).held
  }

  test('never have more under way than is allowed, all of them together, and never fewer than would fit', async () => {
    const all = await replicas()
    const lease = holding(1, { name: own('concurrent'), cap: 7, floor: 0 })
    let [underWay, most, through, refused] = [0, 0, 0, 0]
    const caller = async (_: unknown, index: number) => {
      for (let call = 0; call < 25; call++) {
        const taken = await all[(index + call) % 4]?.take([lease])
        if (!taken?.granted) {
          refused++
          continue
        }
        through++
        most = Math.max(most, ++underWay)
        await sleep(Math.random() * 5)
        underWay--
        await taken.settle([0])
      }
    }
    await Promise.all(Array.from({ length: 40 }, caller))
    console.log(`leases: cap 7, most under way ${most}, ${through} let through, ${refused} refused`)
    expect(most).toBe(7)
    expect(refused).toBeGreaterThan(100)
    expect(await seenBy(await replica(Date.now), lease)).toBe(0)
  })

  test('two hundred calls against one dollar overshoot by no more than was misjudged of those let through', async () => {
    const all = await replicas()
    const DOLLAR = 1_000_000_000
    const budget = holding(0, { name: own('budget'), cap: DOLLAR, floor: 0 })
    let [spent, misjudged, through] = [0, 0, 0]
    const caller = async (_: unknown, index: number) => {
      const cost = 5_000_000 + Math.floor(Math.random() * 20_000_000)
      const truly = Math.floor(cost * (0.5 + Math.random()))
      const taken = await all[index % 4]?.take([{ ...budget, cost }])
      if (!taken?.granted) return
      through++
      await sleep(Math.random() * 20)
      await taken.settle([truly])
      spent += truly
      misjudged += Math.max(0, truly - (taken.asides[0] ?? 0))
    }
    await Promise.all(Array.from({ length: 200 }, caller))
    const { standings } = await (await replica(Date.now)).take([{ ...budget, cap: 0, floor: undefined }])
    console.log(
      `budget: $1.00, ${through} of 200 let through, spent $${(spent / DOLLAR).toFixed(4)}, ` +
        `misjudged by $${(misjudged / DOLLAR).toFixed(4)}`,
    )
    expect(standings).toEqual([{ spent, held: 0 }])
    expect(through).toBeLessThan(200)
    expect(spent).toBeLessThanOrEqual(DOLLAR + misjudged)
  })

  test('what one that is killed held is free again when it has been silent for long enough, and not while it lives', async () => {
    const liveness = 3_000
    const name = own('killed')
    const lease = holding(1, { name, cap: 3, floor: 0 })
    const other = await replica(Date.now, liveness)
    const holder = await leaseholder(name, 3, liveness)
    const begun = Date.now()
    while (Date.now() - begun < 1.5 * liveness) {
      expect((await other.take([lease])).granted).toBe(false)
      await sleep(50)
    }
    holder.kill('SIGKILL')
    const killed = Date.now()
    const taken = await eventually(
      async () => {
        const answer = await other.take([lease])
        return answer.granted ? answer : undefined
      },
      { within: 2 * liveness },
    )
    const after = Date.now() - killed
    console.log(`killed: three leases back after ${after} ms, believed in for ${liveness} ms`)
    expect(accountOf(taken.standings[0]).held).toBe(1)
    expect(after).toBeLessThan(liveness + 2_000)
  })

  test('one whose settlement is lost gives its lease back all the same, when its other calls are over', async () => {
    const clock = { now: Date.UTC(2026, 10, 20) }
    const lease = holding(1, { name: own('lost'), cap: 3, floor: 0 })
    const other = await replica(() => clock.now)
    const { limits, fail } = await faulty(() => clock.now)
    const [lost, last] = [await limits.take([lease]), await limits.take([lease])]
    if (!lost.granted || !last.granted) throw new Error('refused')
    fail(true)
    await expect(lost.settle([0])).rejects.toThrow('cut')
    fail(false)
    for (let quarter = 0; quarter < 20; quarter++) {
      clock.now += LIVENESS / 4
      await limits.renew()
      expect(await seenBy(other, lease)).toBe(2)
    }
    await last.settle([0])
    expect(await seenBy(other, lease)).toBe(1)
    clock.now += LIVENESS
    await limits.renew()
    expect(await seenBy(other, lease)).toBe(0)
  })

  test('one whose answer is lost holds nothing for long: taken or not, it is given up', async () => {
    const clock = { now: Date.UTC(2026, 10, 20) }
    const lease = holding(1, { name: own('answer'), cap: 3, floor: 0 })
    const other = await replica(() => clock.now)
    const { limits, fail } = await faulty(() => clock.now)
    fail('after')
    await expect(limits.take([lease])).rejects.toThrow('cut')
    fail(false)
    const next = await limits.take([lease])
    expect(await seenBy(other, lease)).toBe(2)
    clock.now += LIVENESS - 1
    await limits.renew()
    clock.now += 1
    expect(await seenBy(other, lease)).toBe(1)
    if (next.granted) await next.settle([0])
    expect(await seenBy(other, lease)).toBe(0)
  })

  test('one that is held up until others have its leases for lost frees nothing of theirs, nor of its own new ones', async () => {
    const clock = { now: Date.UTC(2026, 10, 20) }
    const lease = holding(1, { name: own('zombie'), cap: 3, floor: 0 })
    const [zombie, other] = [await replica(() => clock.now), await replica(() => clock.now)]
    const before = await zombie.take([lease])
    clock.now += LIVENESS
    expect((await other.take([lease])).standings).toEqual([{ spent: 0, held: 1 }])
    expect((await zombie.take([lease])).standings).toEqual([{ spent: 0, held: 2 }])
    if (before.granted) await before.settle([0])
    expect(await seenBy(other, lease)).toBe(2)
  })

  /** A way to the store that may be cut: before it has heard, or after. */
  async function faulty(now: () => number) {
    const client = new Client(redis.url)
    closing.push(() => client.disconnect())
    let mode: boolean | 'after' = false
    const pass = async (work: () => Promise<unknown>) => {
      if (mode === true) throw new Error('cut')
      const answer = await work()
      if (mode === 'after' && !String(answer).includes('NOSCRIPT')) throw new Error('cut')
      return answer
    }
    const limits = scriptedLimits(
      {
        evalsha: (digest, keys, args) => pass(() => client.evalsha(digest, keys.length, ...keys, ...args)),
        eval: (script, keys, args) => pass(() => client.eval(script, keys.length, ...keys, ...args)),
      },
      { holders: holders({ now, liveness: LIVENESS }), liveness: LIVENESS, clock: now },
    )
    const fail = (to: boolean | 'after') => {
      mode = to
    }
    return { limits, fail }
  }

  /** Another process, once it holds so many. */
  async function leaseholder(name: string, count: number, liveness: number): Promise<ChildProcess> {
    const outfile = join(import.meta.dirname, '../../dist/leaseholder.js')
    const entry = join(import.meta.dirname, 'leaseholder.ts')
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    })
    const child = spawn(process.execPath, [outfile, redis.url, name, String(count), String(liveness)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    closing.push(() => child.kill('SIGKILL'))
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve())
      child.once('exit', (code) => reject(new Error(`it ended with ${code}`)))
    })
    return child
  }
})
