/** What the workers of a cluster hold, at the primary that counts for all: over the very messages, without processes. */
import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { memoryCache } from '../../src/data/cache.ts'
import { memoryLimits } from '../../src/data/limits/memory.ts'
import { bindingsFor } from '../../src/host/cluster/bindings.ts'
import { follow } from '../../src/host/cluster/follow.ts'
import { grantsOf } from '../../src/host/cluster/grants.ts'
import { type End, speaker } from '../../src/host/cluster/wire.ts'
import { counters } from '../../src/protocol/metrics.ts'
import { holding, wanting } from '../data/wants.ts'

/** A primary, and as many workers as are asked for; what is said is heard a little later, as JSON. */
function cluster() {
  const limits = memoryLimits(Date.now)
  const bindings = bindingsFor(Date.now)
  let isDeaf = false
  return {
    limits,
    /** The primary's answers are lost. */
    deafen: (to: boolean) => {
      isDeaf = to
    },
    worker() {
      const [here, there] = [new EventEmitter(), new EventEmitter()]
      const end = (mine: EventEmitter, other: EventEmitter, isLost: () => boolean): End => ({
        on: (event, heard) => mine.on(event, heard),
        send(message) {
          if (isLost()) return
          const said = JSON.stringify(message)
          setImmediate(() => other.emit('message', JSON.parse(said)))
        },
      })
      const grants = grantsOf(limits)
      speaker(
        end(there, here, () => isDeaf),
        { take: async (asks) => grants.take(asks), ...bindings },
        { settle: grants.settle, drop: grants.drop, raise: limits.raise, lift: limits.lift },
      )
      const own = { metrics: counters(), cache: memoryCache({ entries: 1, now: Date.now }) }
      const following = follow(
        end(here, there, () => false),
        own,
      )
      return { limits: following.limits, bindings: following.bindings, exits: grants.dropAll }
    },
  }
}

const lease = holding(1, { cap: 3, floor: 0 })

describe('workers', () => {
  test('share one count of rates, of what is held and of what is spent', async () => {
    const { limits, worker } = cluster()
    const [one, two] = [worker().limits, worker().limits]
    const first = await one.take([wanting(4), lease])
    await two.take([wanting(4), lease])
    expect(await one.take([wanting(4), lease])).toEqual({
      granted: false,
      standings: [{ used: expect.closeTo(8, 1) }, { spent: 0, held: 2 }],
      unknown: [],
    })
    if (first.granted) await first.settle([0, 5])
    await expect
      .poll(() => limits.take([wanting(0), holding(0, { cap: 0 })]).standings)
      .toEqual([{ used: expect.closeTo(4, 1) }, { spent: 5, held: 1 }])
  })

  test('keep a session to the same upstream, and hear where another one has moved it', async () => {
    const { worker } = cluster()
    const [one, two] = [worker().bindings, worker().bindings]
    const move = (from: string | undefined, to: string) => ({ from, to, lasts: 60_000 })
    expect(await one.find(['a', 'b'])).toEqual([undefined, undefined])
    expect(await one.keep('a', move(undefined, 'x'))).toBe('x')
    expect(await two.find(['a', 'b'])).toEqual(['x', undefined])
    expect(await two.keep('a', move('x', 'y'))).toBe('y')
    expect(await one.keep('a', move('x', 'x'))).toBe('y')
  })

  test('are told what is not known, and begin it with a floor', async () => {
    const { worker } = cluster()
    const [one, two] = [worker().limits, worker().limits]
    expect(await one.take([holding(1)])).toMatchObject({ granted: false, unknown: [0] })
    const floor = { name: 'budget', floor: 90, until: Date.now() + 1e9 }
    await one.lift([floor])
    expect(await two.take([holding(20)])).toMatchObject({ granted: false, unknown: [0] })
    await one.raise([{ ...floor, floor: 80 }])
    await one.lift([floor])
    expect(await two.take([holding(20)])).toMatchObject({
      granted: true,
      standings: [{ spent: 90, held: 10 }],
    })
  })

  test('give back what they held when they exit, and nobody else does', async () => {
    const { limits, worker } = cluster()
    const [one, two] = [worker(), worker()]
    await one.limits.take([lease])
    await one.limits.take([lease])
    await two.limits.take([lease])
    expect((await two.limits.take([lease])).granted).toBe(false)
    one.exits()
    expect(limits.take([holding(0, { cap: 0 })]).standings).toEqual([{ spent: 0, held: 1 }])
  })

  test('that did not hear the answer hold nothing for long', async () => {
    const { limits, worker, deafen } = cluster()
    const { limits: one } = worker()
    const before = await one.take([lease])
    deafen(true)
    await expect(one.take([lease])).rejects.toThrow('does not answer')
    deafen(false)
    const held = () => limits.take([holding(0, { cap: 0 })]).standings
    expect(held()).toEqual([{ spent: 0, held: 2 }])
    const after = await one.take([lease])
    if (before.granted) await before.settle([7])
    await expect.poll(held).toEqual([{ spent: 7, held: 1 }])
    if (after.granted) after.abandon()
    await expect.poll(held).toEqual([{ spent: 7, held: 0 }])
  })
})
