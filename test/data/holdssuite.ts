/** What every store must do with accounts: what is set aside, what is spent, what is not known, and what is exact. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accountOf, SHORTEST } from '../../src/data/limits.ts'
import { type Bench, holding, wanting } from './wants.ts'

const YEAR = 366 * 86_400_000

const grantedAt = (spent: number, held: number) => ({ granted: true, standings: [{ spent, held }] })
const refusedAt = (spent: number, held: number) => ({
  granted: false,
  standings: [{ spent, held }],
  unknown: [],
})

export function holdsSuite(bench: Bench) {
  describe('an account', () => accountSuite(bench))
  describe('settling it', () => settlingSuite(bench))
  describe('several at once', () => togetherSuite(bench))
}

function accountSuite({ clock, take, granted, own, limits }: Bench) {
  test('has room while less than its cap is spent and held, and sets aside no more than there is', async () => {
    expect(await take(holding(60, { floor: 0 }))).toMatchObject(grantedAt(0, 60))
    expect(await take(holding(60))).toMatchObject({ ...grantedAt(0, 100), asides: [40] })
    expect(await take(holding(60))).toEqual(refusedAt(0, 100))
    expect(await take(holding(0))).toEqual(refusedAt(0, 100))
  })

  test('without a cap always has room', async () => {
    await granted(holding(500, { cap: null, floor: 1_000 }))
    expect(await take(holding(500, { cap: null }))).toMatchObject(grantedAt(1_000, 1_000))
  })

  test('with a cap of nothing never has any', async () => {
    expect(await take(holding(0, { cap: 0, floor: 0 }))).toEqual(refusedAt(0, 0))
  })

  test('that is spent to the last unit has none, and one below it has', async () => {
    expect(await take(holding(1, { floor: 100 }))).toEqual(refusedAt(100, 0))
    expect(await take(holding(1, { cap: 101 }))).toMatchObject(grantedAt(100, 1))
  })

  test('that is not known is said to be so, and nothing is taken until it comes with a floor', async () => {
    expect(await take(holding(5))).toMatchObject({ granted: false, unknown: [0] })
    expect(await take(holding(5))).toMatchObject({ granted: false, unknown: [0] })
    expect(await take(holding(5, { floor: 40 }))).toMatchObject(grantedAt(40, 5))
    expect(await take(holding(5))).toMatchObject(grantedAt(40, 10))
  })

  test('keeps the floor of a call that is refused: the ledger is not asked for each', async () => {
    expect(await take(holding(5, { floor: 100 }))).toEqual(refusedAt(100, 0))
    expect(await take(holding(5))).toEqual(refusedAt(100, 0))
  })

  test('is lifted to a floor, never lowered', async () => {
    await granted(holding(5, { floor: 40 }))
    await limits().raise([
      { name: own('budget'), floor: 70, until: clock.now + YEAR },
      { name: own('other'), floor: 3, until: clock.now + YEAR },
    ])
    expect(await take(holding(5, { floor: 50 }))).toMatchObject(grantedAt(70, 10))
    expect(await take(holding(5, { name: 'other' }))).toMatchObject(grantedAt(3, 5))
  })

  test('takes no floors where there are none', async () => {
    await limits().raise([])
    expect(await take(holding(5))).toMatchObject({ granted: false, unknown: [0] })
  })

  test('is forgotten when its time is over, which the latest call says, and not before', async () => {
    await granted(holding(5, { floor: 40, until: clock.now + 2 * SHORTEST }))
    clock.now += SHORTEST
    await granted(holding(5, { until: clock.now + 3 * SHORTEST }))
    clock.now += 2 * SHORTEST
    await granted(holding(5, { until: clock.now }))
    clock.now += SHORTEST - 1
    expect(await take(holding(0, { until: clock.now }))).toMatchObject(grantedAt(40, 15))
    clock.now += SHORTEST
    expect(await take(holding(0))).toMatchObject({ granted: false, unknown: [0] })
  })

  test('whose time is over already lives for a while, as clocks differ', async () => {
    const before = clock.now - 1_000
    await granted(holding(5, { floor: 40, until: before }))
    expect(await take(holding(5, { until: before }))).toMatchObject(grantedAt(40, 10))
  })

  test('lets as many through at once as it has room for, of two hundred that come together', async () => {
    const lease = holding(1, { name: 'concurrent', cap: 7, floor: 0 })
    const answers = await Promise.all(Array.from({ length: 200 }, () => take(lease)))
    const through = answers.filter((answer) => answer.granted)
    expect(through).toHaveLength(7)
    for (const answer of through.slice(0, 3)) await answer.settle([0])
    const more = await Promise.all(Array.from({ length: 200 }, () => take(lease)))
    expect(more.filter((answer) => answer.granted)).toHaveLength(3)
  })
}

function settlingSuite({ clock, take, granted }: Bench) {
  test('frees what was set aside, and spends what it has cost', async () => {
    const [first, second] = [await granted(holding(60, { floor: 0 })), await granted(holding(60))]
    await first.settle([25])
    expect(await take(holding(0))).toMatchObject(grantedAt(25, 40))
    await second.settle([75])
    expect(await take(holding(0, { cap: 101 }))).toMatchObject(grantedAt(100, 0))
  })

  test('spends nothing where nothing is said', async () => {
    await (await granted(holding(60, { floor: 10 }))).settle([])
    expect(await take(holding(0))).toMatchObject(grantedAt(10, 0))
  })

  test('leaves an account that is forgotten meanwhile unknown', async () => {
    const grant = await granted(holding(60, { floor: 10, until: clock.now + SHORTEST }))
    clock.now += SHORTEST
    await grant.settle([70])
    expect(await take(holding(0))).toMatchObject({ granted: false, unknown: [0] })
  })

  test('comes after another call has begun the account anew: its cost counts, and nothing is held below zero', async () => {
    const grant = await granted(holding(60, { floor: 10, until: clock.now + SHORTEST }))
    clock.now += SHORTEST
    await granted(holding(30, { floor: 0 }))
    await grant.settle([20])
    const { spent, held } = accountOf((await take(holding(0, { cap: null }))).standings[0])
    expect(spent).toBe(20)
    expect(held).toBeGreaterThanOrEqual(0)
  })

  test('keeps sums of nano-dollars exact, up to nine million dollars', async () => {
    const nano = fc.maxSafeNat()
    let run = 0
    await fc.assert(
      fc.asyncProperty(nano, fc.array(fc.tuple(nano, nano), { maxLength: 6 }), async (floor, calls) => {
        const name = `exact${run++}`
        const most = BigInt(Number.MAX_SAFE_INTEGER)
        let spent = BigInt(floor)
        await granted(holding(0, { name, cap: null, floor }))
        for (const [aside, cost] of calls) {
          if (spent + BigInt(aside) > most || spent + BigInt(cost) > most) continue
          const grant = await granted(holding(aside, { name, cap: null }))
          expect(accountOf(grant.standings[0])).toEqual({ spent: Number(spent), held: aside })
          await grant.settle([cost])
          spent += BigInt(cost)
        }
        const { standings } = await granted(holding(0, { name, cap: null }))
        expect(standings).toEqual([{ spent: Number(spent), held: 0 }])
      }),
      { numRuns: 40 },
    )
  })
}

function togetherSuite({ take, granted }: Bench) {
  const all = (floor?: number) => [
    wanting(1),
    holding(1, { name: 'concurrent', cap: 3, floor: 0 }),
    holding(40, { floor }),
    holding(40, { name: 'team', cap: null, floor }),
  ]

  test('are taken from together, with rates', async () => {
    const grant = await granted(...all(10))
    expect(grant.standings).toEqual([
      { used: 1 },
      { spent: 0, held: 1 },
      { spent: 10, held: 40 },
      { spent: 10, held: 40 },
    ])
    expect(grant.asides).toEqual([0, 1, 40, 40])
    await grant.settle([1, 0, 30, 30])
    expect((await granted(...all())).standings).toEqual([
      { used: 2 },
      { spent: 0, held: 1 },
      { spent: 40, held: 40 },
      { spent: 40, held: 40 },
    ])
  })

  test('give nothing where one of them refuses, or is not known, whichever', async () => {
    expect(await take(...all())).toMatchObject({ granted: false, unknown: [2, 3] })
    await granted(...all(60))
    expect(await take(...all())).toEqual({
      granted: false,
      standings: [{ used: 1 }, { spent: 0, held: 1 }, { spent: 60, held: 40 }, { spent: 60, held: 40 }],
      unknown: [],
    })
    const rest = [wanting(9), holding(2, { name: 'concurrent', cap: 3 })]
    expect(await take(...rest, holding(1, { name: 'never heard of' }))).toMatchObject({
      granted: false,
      unknown: [2],
    })
    expect(await take(wanting(10), ...rest.slice(1))).toMatchObject({ granted: false, unknown: [] })
    expect((await take(...rest)).granted).toBe(true)
  })
}
