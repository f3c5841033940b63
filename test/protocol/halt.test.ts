/** The word that nobody waits any more, beside the AbortSignal it stands in for. */
import { describe, expect, test } from 'vitest'
import { Halt, type Halting, signalOf } from '../../src/protocol/halt.ts'

interface Said {
  halting: Halting
  abort(reason: unknown): void
}

const KINDS: readonly [string, () => Said][] = [
  [
    'an AbortSignal',
    () => {
      const controller = new AbortController()
      return { halting: controller.signal, abort: (reason) => controller.abort(reason) }
    },
  ],
  [
    'a Halt',
    () => {
      const halt = new Halt()
      return { halting: halt, abort: (reason) => halt.abort(reason) }
    },
  ],
  [
    'a Halt after a Halt',
    () => {
      const first = new Halt()
      return { halting: new Halt().after(first), abort: (reason) => first.abort(reason) }
    },
  ],
  [
    'a Halt after an AbortSignal',
    () => {
      const controller = new AbortController()
      return { halting: new Halt().after(controller.signal), abort: (reason) => controller.abort(reason) }
    },
  ],
  [
    'an AbortSignal of a Halt',
    () => {
      const halt = new Halt()
      return { halting: signalOf(halt), abort: (reason) => halt.abort(reason) }
    },
  ],
]

describe.each(KINDS)('%s', (_, make) => {
  test('says so once, to everybody who listens, with the reason at hand', () => {
    const { halting, abort } = make()
    const heard: unknown[] = []
    halting.addEventListener('abort', () => heard.push(['one', halting.aborted, halting.reason]))
    halting.addEventListener('abort', () => heard.push(['other', halting.aborted, halting.reason]))
    expect(halting.aborted).toBe(false)
    abort('gone')
    abort('again')
    expect(heard).toEqual([
      ['one', true, 'gone'],
      ['other', true, 'gone'],
    ])
  })

  test('does not tell who listens no more, nor who comes late', () => {
    const { halting, abort } = make()
    const heard: string[] = []
    const early = () => heard.push('early')
    halting.addEventListener('abort', early)
    halting.removeEventListener('abort', early)
    abort('gone')
    halting.addEventListener('abort', () => heard.push('late'))
    expect(heard).toEqual([])
    expect(halting.reason).toBe('gone')
  })
})

test('what follows a word that was said is told at once', () => {
  const first = new Halt()
  first.abort('gone')
  expect(new Halt().after(first)).toMatchObject({ aborted: true, reason: 'gone' })
  expect(signalOf(first)).toMatchObject({ aborted: true, reason: 'gone' })
})

test('one that has left is not told, and nothing keeps it', () => {
  const first = new Halt()
  const other = new Halt().after(first)
  other.leave()
  first.abort('gone')
  expect(other.aborted).toBe(false)
})

test('one that ends by itself says nothing to what it followed', () => {
  const first = new Halt()
  const other = new Halt().after(first)
  other.abort('over')
  expect([first.aborted, other.reason]).toEqual([false, 'over'])
  first.abort('gone')
  expect(other.reason).toBe('over')
})

test('who is let go of while it is said is not told', () => {
  const halt = new Halt()
  const heard: string[] = []
  const second = () => heard.push('second')
  halt.addEventListener('abort', () => halt.removeEventListener('abort', second))
  halt.addEventListener('abort', second)
  halt.abort('gone')
  expect(heard).toEqual([])
})

test('it is passed on for another reason where one is given', () => {
  const first = new Halt()
  const other = new Halt().after(first, 'let go')
  first.abort('gone')
  expect(other.reason).toBe('let go')
  expect(new Halt().after(first, 'let go').reason).toBe('let go')
})
