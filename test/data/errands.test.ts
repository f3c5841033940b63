import { expect, test } from 'vitest'
import { AT_ONCE, errandsBy, type Soon } from '../../src/data/limits/errands.ts'

/** A store that is asked when we say so, and says what we say; everything that was sent to it. */
function stage(soon?: Soon) {
  const sent: { keys: string[]; errands: string[] }[] = []
  const doing = { now: async (errands: string[]): Promise<readonly unknown[]> => errands }
  let send = () => {}
  const waits: Soon = (go) => {
    send = go
  }
  const all = errandsBy((keys, errands) => {
    sent.push({ keys, errands })
    return doing.now(errands)
  }, soon ?? waits)
  return { all, sent, doing, send: () => send() }
}

test('what is asked for together goes in one command, in its order, and each hears its own answer', async () => {
  const { all, sent, send } = stage()
  const answers = [all.run(['a', 'b'], 'settle', false), all.run(['a'], 'take', true)]
  expect(sent).toEqual([])
  send()
  expect(await Promise.all(answers)).toEqual(['settle', 'take'])
  expect(sent).toEqual([{ keys: ['a', 'b', 'a'], errands: ['settle', 'take'] }])
})

test('what is asked for while a command is under way goes with the next one', async () => {
  const { all, sent, send } = stage()
  const first = all.run(['a'], 'first', true)
  send()
  const second = all.run(['b'], 'second', true)
  send()
  expect(await Promise.all([first, second])).toEqual(['first', 'second'])
  expect(sent.map(({ keys }) => keys)).toEqual([['a'], ['b']])
})

test('where nothing may wait, everything goes by itself', async () => {
  const { all, sent } = stage(AT_ONCE)
  await Promise.all([all.run(['a'], 'first', true), all.run(['b'], 'second', false)])
  expect(sent).toHaveLength(2)
})

test('what needs them all done sends them before itself, and nothing where there is nothing', async () => {
  const { all, sent, send } = stage()
  all.send()
  expect(sent).toEqual([])
  const settled = all.run(['a'], 'settle', false)
  all.send()
  send()
  await settled
  expect(sent).toHaveLength(1)
})

test('a command that fails fails for all that went with it, and for nothing else', async () => {
  const { all, doing, send } = stage()
  doing.now = () => Promise.reject(new Error('cut'))
  const lost = [all.run(['a'], 'first', true), all.run(['b'], 'second', false)]
  send()
  for (const each of await Promise.allSettled(lost))
    expect(each).toMatchObject({ reason: { message: 'cut' } })
  doing.now = async (errands) => errands
  const next = all.run(['c'], 'third', true)
  send()
  expect(await next).toBe('third')
})

test('an answer that is none of one is heard by that one alone', async () => {
  const { all, doing, send } = stage()
  doing.now = async () => ['1', 7]
  const [good, bad, none] = ['good', 'bad', 'none'].map((errand) => all.run([errand], errand, true))
  send()
  expect(await good).toBe('1')
  await expect(bad).rejects.toThrow('an answer that is none')
  await expect(none).rejects.toThrow('an answer that is none')
})

test('no command is so long that the store does nothing else for a while', async () => {
  const { all, sent, send } = stage()
  const answers = Array.from({ length: 250 }, (_, index) => all.run(['a'], String(index), true))
  send()
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 250 }, (_, index) => String(index)))
  expect(sent.map(({ errands }) => errands.length)).toEqual([100, 100, 50])
})
