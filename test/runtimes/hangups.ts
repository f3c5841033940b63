/** Callers that hang up: upstream hears of it, and the ledger has their row. */
import { expect } from 'vitest'
import { slow } from '../fakes/steps.ts'
import { eventually } from '../whole/eventually.ts'
import { type Caller, hungUp, stream } from '../whole/streams.ts'
import type { Part, Stage } from './stage.ts'
import type { Told } from './subject.ts'

export const hangups: Part = (test, stage) => {
  test('a caller hangs up in mid-stream: upstream hears of it, and the row is settled', async (told) => {
    stage.fake.script(slow(50))
    await leaves(stage, '!long 1000', told)
    const row = await stage.row()
    expect(row).toMatchObject({ status: 'cancelled', usage_source: 'partial', error_type: null })
    expect(row.usage.input).toBeGreaterThan(0)
    expect(row.cost_nano).toBeGreaterThan(0)
  })

  test('a caller hangs up while upstream is silent in mid-stream: the same', async (told) => {
    stage.fake.script({ kind: 'stall', at: 3 })
    await leaves(stage, '!say one', told)
    expect(await stage.row()).toMatchObject({ status: 'cancelled', usage_source: 'partial' })
  })

  test('a caller hangs up before the first byte: the same', async () => {
    for (const at of ['before headers', 'after headers'] as const) {
      for (const streams of [true, false]) {
        stage.fake.reset()
        stage.fake.script({ kind: 'stall', at })
        const caller = stream(stage.gateway.port, stage.key.key, '!say one', { stream: streams })
        await eventually(() => stage.fake.seen[0], { every: 5 })
        expect(await givenUp(stage, caller), `${at}, stream: ${streams}`).toBeLessThan(A_SECOND)
      }
    }
    const rows = await stage.gateway.settled(4, { key: stage.key.id })
    expect(rows.map(({ status, error_type }) => [status, error_type])).toEqual(
      Array(4).fill(['cancelled', null]),
    )
  })

  test('fifty callers hang up, each at another moment: fifty rows, and upstream is left by all', async () => {
    const { fake, gateway, key } = stage
    fake.script(...Array.from({ length: MANY }, () => slow(20)))
    const callers = Array.from({ length: MANY }, (_, index) =>
      hungUp(stream(gateway.port, key.key, '!long 100'), 100 + index * 30),
    )
    await Promise.all(callers)
    await eventually(() => (fake.seen.every(({ closedAt }) => closedAt !== undefined) ? true : undefined))
    const rows = await eventually(async () => {
      const found = await gateway.spend({ key: key.id })
      return found.some(({ status }) => status === 'pending') ? undefined : found
    })
    expect(fake.seen.length).toBeGreaterThan(MANY / 2)
    expect(rows.length).toBeGreaterThanOrEqual(fake.seen.length)
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['cancelled']))
  })
}

const A_SECOND = 1_000
const MANY = 50

/** A caller of a stream that has begun. */
async function leaves(stage: Stage, words: string, told: Told) {
  const caller = stream(stage.gateway.port, stage.key.key, words)
  await caller.answered
  const after = await givenUp(stage, caller)
  told.note = `heard after ${after} ms`
  expect(after).toBeLessThan(A_SECOND)
}

/** How long after the caller left the one request upstream was given up. */
async function givenUp({ fake }: Stage, caller: Caller): Promise<number> {
  const since = Date.now()
  caller.hangUp()
  const gone = await eventually(() => fake.seen.find(({ closedEarly }) => closedEarly), {
    within: 5_000,
    every: 5,
  })
  return (gone.closedAt ?? Number.POSITIVE_INFINITY) - since
}
