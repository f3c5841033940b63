import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { gathered } from '../../src/host/lines.ts'

function written() {
  const writes: string[] = []
  let end = () => {}
  const say = gathered({ write: (text) => writes.push(text) }, (flush) => {
    end = flush
  })
  return { writes, say, end: () => end() }
}

test('the lines of one turn go out in one write, in their order', async () => {
  const { writes, say } = written()
  say('one\n')
  say('two\n')
  expect(writes).toEqual([])
  await turn()
  expect(writes).toEqual(['one\ntwo\n'])
  say('three\n')
  await turn()
  expect(writes).toEqual(['one\ntwo\n', 'three\n'])
})

test('an exit in the middle of a turn loses no line, and repeats none', async () => {
  const { writes, say, end } = written()
  say('last words\n')
  end()
  expect(writes).toEqual(['last words\n'])
  await turn()
  end()
  expect(writes).toEqual(['last words\n'])
})

test('a turn that says very much does not hold it all', () => {
  const { writes, say } = written()
  for (let line = 0; line < 100; line++) say(`${'x'.repeat(999)}\n`)
  expect(writes.join('').length).toBeGreaterThan(30_000)
})
