/** Many at once. */
import { expect } from 'vitest'
import { slow } from '../fakes/steps.ts'
import { eventsIn, hello, said } from '../whole/caller.ts'
import type { Part } from './stage.ts'

const STREAMS = 200
const FIRST = 20

export const load: Part = (test, stage) => {
  test('twenty first requests at once on a fresh key are all answered', async () => {
    const answers = await Promise.all(Array.from({ length: FIRST }, () => stage.send(hello())))
    expect(answers.map(({ status }) => status)).toEqual(Array(FIRST).fill(200))
    const messages = await Promise.all(answers.map((answer) => answer.json()))
    expect(new Set(messages.map(({ id }) => id)).size).toBe(FIRST)
    expect(await stage.gateway.settled(FIRST, { key: stage.key.id })).toHaveLength(FIRST)
  })

  test('200 streams at once are all whole, and have 200 settled rows', async (note) => {
    stage.fake.script(...Array.from({ length: STREAMS }, () => slow(50)))
    const begun = performance.now()
    let open = 0
    let most = 0
    const texts = Array.from({ length: STREAMS }, async () => {
      const response = await stage.send(said('!long 40', { stream: true }))
      most = Math.max(most, ++open)
      const text = await response.text()
      open--
      return text
    })
    const lengths = (await Promise.all(texts)).map((text) => eventsIn(text).length)
    note(`${Math.round(performance.now() - begun)} ms for 2.2 s of stream each, ${most} open at once`)
    expect(new Set(lengths)).toEqual(new Set([45]))
    const rows = await stage.gateway.settled(STREAMS, { key: stage.key.id })
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['succeeded']))
    expect(new Set(rows.map(({ usage_source }) => usage_source))).toEqual(new Set(['final']))
  })
}
