import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { gathered } from '../../src/host/lines.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A moment of the gateway's. */
const moment = () => vi.advanceTimersByTime(5)

function written() {
  const writes: string[] = []
  let end = () => {}
  const say = gathered({ write: (text) => writes.push(text) }, (flush) => {
    end = flush
  })
  return { writes, say, end: () => end() }
}

test('the lines of one moment go out in one write, in their order', () => {
  const { writes, say } = written()
  say('one\n')
  say('two\n')
  expect(writes).toEqual([])
  moment()
  expect(writes).toEqual(['one\ntwo\n'])
  say('three\n')
  moment()
  expect(writes).toEqual(['one\ntwo\n', 'three\n'])
})

test('an exit in the middle of a moment loses no line, and repeats none', () => {
  const { writes, say, end } = written()
  say('last words\n')
  end()
  expect(writes).toEqual(['last words\n'])
  moment()
  end()
  expect(writes).toEqual(['last words\n'])
})

test('a moment that says very much does not hold it all', () => {
  const { writes, say } = written()
  for (let line = 0; line < 100; line++) say(`${'x'.repeat(999)}\n`)
  expect(writes.join('').length).toBeGreaterThan(30_000)
})
