/** How events travel: whatever the wire does to frames they say the same, and none is held back. */
import { expect } from 'vitest'
import { answer, slow } from '../fakes/steps.ts'
import { said } from '../whole/caller.ts'
import { type Heard, listen } from './listen.ts'
import type { Part } from './stage.ts'

export const streams: Part = (test, stage) => {
  test('frames that are cut at odd places, or all in one write, say the same', async () => {
    const texts: string[] = []
    for (const manner of [{}, { split: 1 }, { split: 7 }, { split: 1_021 }, { merge: true }]) {
      stage.fake.script(answer(manner))
      const response = await stage.send(said('!long 60', { stream: true }))
      texts.push((await response.text()).replaceAll(/msg_bdrk_\d+/g, 'msg'))
    }
    expect(texts[0]).toContain('word60')
    expect(new Set(texts).size).toBe(1)
  })

  test('an event is not held back until the next one comes', async () => {
    stage.fake.script({ kind: 'stall', at: 3 })
    const response = await stage.send(said('!say one', { stream: true }))
    const heard = await listen(response, ({ length }) => length === 3)
    expect(heard.map(({ name }) => name)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
    ])
    expect(JSON.stringify(heard[2]?.data)).toContain('"one"')
  })

  test('events go out at the pace they come in, one in 60 ms', async (told) => {
    stage.fake.script(slow(PACE))
    const heard = await listen(await stage.send(said('!long 25', { stream: true })))
    expect(heard).toHaveLength(30)
    const gaps = gapsOf(heard).toSorted((a, b) => a - b)
    const median = gaps[Math.floor(gaps.length / 2)] ?? 0
    told.note = `one in ${Math.round(median)} ms`
    expect(median).toBeGreaterThan(PACE * 0.7)
    expect(median).toBeLessThan(PACE * 1.5)
    const together = gaps.filter((gap) => gap < PACE / 4).length
    expect(together, 'events that came together').toBeLessThanOrEqual(gaps.length / 10)
  })
}

const PACE = 60

function gapsOf(heard: readonly Heard[]): number[] {
  return heard.slice(1).map(({ at }, index) => at - (heard[index]?.at ?? 0))
}
