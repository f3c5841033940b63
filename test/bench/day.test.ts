/** A small day of developers holds what docs/day.md says of a large one, and is nearly the same each time. */
import { expect, test } from 'vitest'
import { CONTENDERS, PLACES } from '../../bench/day/contenders.ts'
import { liveDay } from '../../bench/day/day.ts'
import { type Figures, figuresOf } from '../../bench/day/figures.ts'
import { intoPage, tableOf } from '../../bench/day/page.ts'

const WISH = {
  seed: 3,
  developers: 24,
  length: 0.2,
  places: PLACES.slice(0, 3),
  quotas: { main: 400_000, small: 300_000 },
}

async function day(id: string): Promise<Figures> {
  const contender = CONTENDERS.find((each) => each.id === id)
  if (!contender) throw new Error(`nobody is called ${id}`)
  return figuresOf(contender, await liveDay(contender, WISH))
}

test('sessions stay where their cache is, and no client sees a throttle that another account could have served', async () => {
  const [endless, known, learned] = [await day('endless'), await day('known'), await day('learned')]
  for (const row of [known, learned]) {
    expect(row.steps).toBeGreaterThan(400)
    expect(row.needlessShare, row.name).toBeLessThan(0.001)
    expect(endless.cacheRead - row.cacheRead, row.name).toBeLessThan(0.02)
    expect([row.givenUp, row.other], row.name).toEqual([0, {}])
  }
  const robin = await day('robin')
  expect(robin.cacheRead).toBeLessThan(known.cacheRead - 0.1)
  expect(robin.rewritten).toBeGreaterThan(10 * Math.max(1, known.rewritten))
  expect(robin.refusals).toBeGreaterThan(10 * Math.max(1, known.refusals))

  // The same seed gives the same developers; of calls that come at one moment, either may be first.
  const again = await day('known')
  expect(Math.abs(again.steps - known.steps) / known.steps).toBeLessThan(0.01)
  expect(again.cacheRead).toBeCloseTo(known.cacheRead, 2)
}, 240_000)

test('a page keeps what stands around its table', () => {
  const result = { ...WISH, rows: [] }
  const page = intoPage('before\n<!-- day -->\nold\n<!-- /day -->\nafter\n', result)
  expect(page).toContain(tableOf(result))
  expect(page.startsWith('before\n') && page.endsWith('after\n')).toBe(true)
  expect(page).not.toContain('old')
  expect(() => intoPage('nothing', result)).toThrow('has no')
})
