/** Streams that are under way when something happens to the gateway. */
import { expect } from 'vitest'
import { slow } from '../fakes/steps.ts'
import { ask, eventsIn, said } from '../whole/caller.ts'
import type { Stage } from './stage.ts'

/** About two seconds of stream. */
const WORDS = '!long 40'
const PACE = 50

/** So many streams that upstream has begun to answer, and what each is going to have said. */
export async function underWay({ fake }: Stage, gateway: { url: string }, key: string, count: number) {
  fake.script(...Array.from({ length: count }, () => slow(PACE)))
  const responses = await Promise.all(
    Array.from({ length: count }, () => ask(gateway, said(WORDS, { stream: true }), { 'x-api-key': key })),
  )
  return responses.map((response) => response.text())
}

export function expectWhole(texts: readonly string[]) {
  for (const text of texts) {
    const events = eventsIn(text)
    expect(events).toHaveLength(45)
    expect(events.at(-1)?.name).toBe('message_stop')
  }
}
