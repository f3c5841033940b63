/** Callers that leave: upstream hears of it, and the ledger has their row. */
import { expect } from 'vitest'
import type { Step } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { eventually } from '../whole/eventually.ts'
import { hungUp, stream } from '../whole/streams.ts'
import type { Part, Stage } from './stage.ts'

export const hangups: Part = (test, stage) => {
  test('a caller hangs up in mid-stream: upstream hears of it, and the row is settled', async (told) => {
    const after = await leaves(stage, { step: slow(50), words: '!long 1000' }, 'hangUp')
    told.note = `heard after ${after} ms`
    expect(after).toBeLessThan(A_SECOND)
    const row = await stage.row()
    expect(row).toMatchObject({ status: 'cancelled', usage_source: 'partial', error_type: null })
    expect(row.usage.input).toBeGreaterThan(0)
    expect(row.cost_nano).toBeGreaterThan(0)
  })

  test('a caller breaks its connection while upstream is silent: the same', (told) =>
    leavesInSilence(stage, 'reset', told))

  test(
    'a caller hangs up while upstream is silent: the same',
    (told) => leavesInSilence(stage, 'hangUp', told),
    'half-closed is gone',
  )

  test('fifty callers hang up, each at another moment: fifty rows, and upstream is left by all', async () => {
    const { fake, gateway, key } = stage
    fake.script(...Array.from({ length: MANY }, () => slow(20)))
    const callers = Array.from({ length: MANY }, (_, index) =>
      hungUp(stream(gateway.port, key.key, '!long 200'), 500 + index * 30),
    )
    await Promise.all(callers)
    const rows = await gateway.settled(MANY, { key: key.id })
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['cancelled']))
    // On a busy machine some are gone before anything was asked of upstream.
    expect(fake.seen.length).toBeGreaterThan(MANY / 2)
    await eventually(() => fake.seen.every(({ closedEarly }) => closedEarly) || undefined)
  })
}

const A_SECOND = 1_000
const MANY = 50
const SILENT_IN_STREAM = { kind: 'stall', at: 3 } as const

/** `hangUp` says no more than that nothing will be sent; `reset`, that nothing is heard either. */
type Way = 'hangUp' | 'reset'

/** In mid-stream, and before the first byte of a stream and of an answer in one piece. */
const SILENCES: readonly { step: Step; streams: boolean }[] = [
  { step: SILENT_IN_STREAM, streams: true },
  { step: { kind: 'stall', at: 'before headers' }, streams: true },
  { step: { kind: 'stall', at: 'before headers' }, streams: false },
  { step: { kind: 'stall', at: 'after headers' }, streams: true },
  { step: { kind: 'stall', at: 'after headers' }, streams: false },
]

async function leavesInSilence(stage: Stage, way: Way, told: { note?: string }) {
  const times: number[] = []
  for (const { step, streams } of SILENCES) {
    stage.fake.reset()
    times.push(await leaves(stage, { step, words: '!say one', streams }, way))
  }
  told.note = `heard after ${Math.max(...times)} ms`
  expect(Math.max(...times)).toBeLessThan(A_SECOND)
  const rows = await stage.gateway.settled(SILENCES.length, { key: stage.key.id })
  const ended = rows.map(({ status, error_type }) => ({ status, error_type }))
  expect(ended).toEqual(SILENCES.map(() => ({ status: 'cancelled', error_type: null })))
}

interface Scene {
  step: Step
  words: string
  streams?: boolean
}

/** How long after a caller left upstream was left, too: in mid-stream, or while upstream has not begun to answer. */
async function leaves({ fake, gateway, key }: Stage, { step, words, streams = true }: Scene, way: Way) {
  fake.script(step)
  const caller = stream(gateway.port, key.key, words, { stream: streams })
  const begins = step.kind !== 'stall' || typeof step.at === 'number'
  await (begins ? caller.answered : eventually(() => fake.seen[0], { every: 5 }))
  const since = Date.now()
  caller[way]()
  const left = () => fake.seen.find(({ closedEarly }) => closedEarly)
  const { closedAt = Number.POSITIVE_INFINITY } = await eventually(left, { within: 5_000, every: 5 })
  return closedAt - since
}
