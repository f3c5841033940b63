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

  test('200 streams of 2.2 s at once are all whole, and have 200 settled rows', async () => {
    stage.fake.script(...Array.from({ length: STREAMS }, () => slow(50)))
    const texts = Array.from({ length: STREAMS }, async () => {
      return (await stage.send(said('!long 40', { stream: true }))).text()
    })
    const lengths = (await Promise.all(texts)).map((text) => eventsIn(text).length)
    expect(new Set(lengths)).toEqual(new Set([45]))
    const rows = await stage.gateway.settled(STREAMS, { key: stage.key.id })
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['succeeded']))
    expect(new Set(rows.map(({ usage_source }) => usage_source))).toEqual(new Set(['final']))
  })
}
