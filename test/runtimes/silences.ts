/** An upstream that thinks for half a minute: what waits for it must not be cut off. */
import { expect } from 'vitest'
import type { Step } from '../fakes/bedrock.ts'
import { ask, eventsIn, said } from '../whole/caller.ts'
import { eventually } from '../whole/eventually.ts'
import { stream } from '../whole/streams.ts'
import { listen } from './listen.ts'
import type { Part, Stage } from './stage.ts'

const SILENCE = 30_000
const PING_AFTER = 15_000
/** By which a busy machine may tell the time wrong. */
const SLACK = 1_000

export const silences: Part = (test, stage) => {
  test.ahead('30 s of silence in mid-stream: pings keep it alive, and it completes', async () => {
    const { response, row } = await silent(stage, { kind: 'stall', at: 3, ms: SILENCE }, true)
    const over = response.then((answer) => listen(answer))
    return {
      over,
      async check(told) {
        const events = await over
        const names = events.map(({ name }) => name)
        const pings = names.filter((name) => name === 'ping').length
        told.note = `${pings} ping${pings === 1 ? '' : 's'}`
        expect(pings).toBeGreaterThanOrEqual(1)
        expect(names.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'content_block_delta'])
        expect(names.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
        const [third, next] = [events[2], events.at(-3)]
        expect((next?.at ?? 0) - (third?.at ?? 0)).toBeGreaterThan(SILENCE - SLACK)
        expect(await row()).toMatchObject({ status: 'succeeded', usage_source: 'final' })
      },
    }
  })

  test.ahead('30 s of silence before a stream begins: it comes, whole', async () => {
    const { response, row } = await silent(stage, { kind: 'stall', at: 'before headers', ms: SILENCE }, true)
    const over = response.then((answer) => answer.text())
    return {
      over,
      async check() {
        const names = eventsIn(await over).map(({ name }) => name)
        expect(names.filter((name) => name !== 'ping')).toHaveLength(6)
        expect(names.at(-1)).toBe('message_stop')
        expect(await row()).toMatchObject({ status: 'succeeded', usage_source: 'final' })
      },
    }
  })

  test.ahead('30 s of silence before an answer in one piece: it comes, whole', async () => {
    const { response, row } = await silent(stage, { kind: 'stall', at: 'after headers', ms: SILENCE }, false)
    const over = response.then((answer) => answer.json())
    return {
      over,
      async check() {
        expect(await over).toMatchObject({ type: 'message', content: [{ text: 'one' }] })
        const written = await row()
        expect(written).toMatchObject({ status: 'succeeded', usage_source: 'final' })
        expect(written?.duration_ms).toBeGreaterThan(SILENCE - SLACK)
      },
    }
  })

  test.ahead('a caller hangs up in a silent stream: the next ping, at the latest, finds it out', async () => {
    const { fake, gateway } = stage
    const { id, key } = await gateway.makeKey()
    fake.script({ kind: 'stall', at: 3 })
    const caller = stream(gateway.port, key, '!say one')
    await caller.answered
    const seen = fake.seen.at(-1)
    caller.hangUp()
    const since = Date.now()
    const left = () => (seen?.closedEarly ? seen.closedAt : undefined)
    const over = eventually(left, { within: PING_AFTER + 5_000 })
    return {
      over,
      async check(told) {
        told.note = `heard after ${(((await over) - since) / 1_000).toFixed(1)} s`
        const rows = await gateway.settled(1, { key: id })
        expect(rows).toMatchObject([{ status: 'cancelled', usage_source: 'partial' }])
      },
    }
  })
}

/** A call that upstream has taken and is silent about; with the row of its key. */
async function silent({ fake, gateway }: Stage, step: Step, stream: boolean) {
  const { id, key } = await gateway.makeKey()
  const before = fake.seen.length
  fake.script(step)
  const response = ask(gateway, said('!say one', { stream }), { 'x-api-key': key })
  await eventually(() => fake.seen[before])
  const row = async () => (await gateway.settled(1, { key: id }))[0]
  return { response, row }
}
