/** How a process ends: what is under way finishes, what is new goes elsewhere, and no row is lost. */
import { expect } from 'vitest'
import { slow } from '../fakes/steps.ts'
import { ask, eventsIn, said } from '../whole/caller.ts'
import { eventually } from '../whole/eventually.ts'
import type { Gateway } from '../whole/gateway.ts'
import { refuses } from '../whole/raw.ts'
import type { Part, Stage } from './stage.ts'

export const ends: Part = (test, stage) => {
  test(
    'SIGTERM: streams under way finish, nobody new is let in, and the rows are there at the next start',
    async (told) => {
      const gateway = await stage.another({ bedrock: stage.fake })
      const { id, key } = await gateway.makeKey()
      const texts = await underWay(stage, gateway, key, 10)
      const exit = gateway.stop()
      await eventually(async () => ((await refuses(gateway.port)) ? true : undefined), { within: 2_000 })
      expect(gateway.isRunning()).toBe(true)
      expectWhole(await Promise.all(texts))
      const finished = Date.now()
      expect(await exit).toEqual({ code: 0, signal: null })
      const stayed = Date.now() - finished
      told.note = `gone ${stayed} ms after`
      expect(stayed, 'how long it stayed, with nothing left to do').toBeLessThan(5_000)
      expect(gateway.stderr()).toBe('')
      const next = await stage.another({ bedrock: stage.fake, dataDir: gateway.dataDir })
      const rows = await next.spend({ key: id })
      expect(rows).toHaveLength(10)
      for (const row of rows) expect(row).toMatchObject({ status: 'succeeded', usage_source: 'final' })
    },
    'signals',
  )

  test(
    'a rolling restart on one Postgres under 50 streams loses none',
    async () => {
      const DATABASE_URL = await stage.database()
      const options = {
        bedrock: stage.fake,
        env: { DATABASE_URL, SECRET_KEY: 'only-for-tests-abcdefghijkl-0123456789' },
      }
      const [first, second] = [await stage.another(options), await stage.another(options)]
      const { id, key } = await first.makeKey()
      const before = await underWay(stage, first, key, 50)
      const exit = first.stop()
      const after = await underWay(stage, second, key, 50)
      expectWhole(await Promise.all([...before, ...after]))
      expect(await exit).toEqual({ code: 0, signal: null })
      const rows = await second.settled(100, { key: id })
      for (const row of rows) expect(row).toMatchObject({ status: 'succeeded', usage_source: 'final' })
    },
    'signals',
    'postgres',
  )
}

/** About two seconds of stream. */
const WORDS = '!long 40'
const PACE = 50

/** So many streams that upstream has begun to answer, and what they are going to have said. */
async function underWay({ fake }: Stage, gateway: Gateway, key: string, count: number) {
  fake.script(...Array.from({ length: count }, () => slow(PACE)))
  const responses = await Promise.all(
    Array.from({ length: count }, () => ask(gateway, said(WORDS, { stream: true }), { 'x-api-key': key })),
  )
  return responses.map((response) => response.text())
}

function expectWhole(texts: readonly string[]) {
  for (const text of texts) {
    const events = eventsIn(text)
    expect(events).toHaveLength(45)
    expect(events.at(-1)?.name).toBe('message_stop')
  }
}
