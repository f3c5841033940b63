import { describe, expect, test } from 'vitest'
import { memoryCache } from '../../src/data/cache.ts'

function counting(entries = 3) {
  const clock = { now: 0 }
  const cache = memoryCache({ entries, now: () => clock.now })
  const loads: string[] = []
  const get = (key: string, ttl = 10) =>
    cache.remember(key, async () => {
      loads.push(key)
      return { value: `${key}${loads.length}`, ttl }
    })
  return { clock, cache, loads, get }
}

test('asks once, until the time is up', async () => {
  const { clock, loads, get } = counting()
  expect(await get('a')).toBe('a1')
  clock.now = 9
  expect(await get('a')).toBe('a1')
  clock.now = 10
  expect(await get('a')).toBe('a2')
  expect(loads).toEqual(['a', 'a'])
})

test('asks once for many who wait together', async () => {
  const { loads, get } = counting()
  expect(await Promise.all([get('a'), get('a'), get('a')])).toEqual(['a1', 'a1', 'a1'])
  expect(loads).toHaveLength(1)
})

test('lets go of what was longest unused', async () => {
  const { loads, get } = counting(2)
  await get('a')
  await get('b')
  await get('a')
  await get('c')
  await get('a')
  expect(loads).toEqual(['a', 'b', 'c'])
  await get('b')
  expect(loads).toEqual(['a', 'b', 'c', 'b'])
})

test('forgets when told, also what is just being asked', async () => {
  const { cache, loads, get } = counting()
  const asked = get('a')
  cache.forget('a')
  expect(await asked).toBe('a1')
  expect(await get('a')).toBe('a2')
  cache.forget('a')
  expect(await get('a')).toBe('a3')
  expect(loads).toHaveLength(3)
})

test('remembers no failure', async () => {
  const { cache, get } = counting()
  await expect(cache.remember('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await get('a')).toBe('a1')
})

describe('what may be served for longer', () => {
  function outage({ shareLoads = true, patience = 5_000 } = {}) {
    const clock = { now: 0 }
    const cache = memoryCache({ entries: 3, now: () => clock.now, shareLoads, patience })
    let loads = 0
    let answer: () => Promise<string> = async () => `value ${loads}`
    const get = () =>
      cache.remember('a', async () => {
        loads++
        return { value: await answer(), ttl: 60_000, grace: 900_000 }
      })
    return {
      clock,
      cache,
      get,
      loads: () => loads,
      answers: (next: () => Promise<string>) => {
        answer = next
      },
    }
  }
  const away = () => Promise.reject(new Error('away'))

  test('is renewed before its time is up, and nobody waits for that', async () => {
    const { clock, get, loads } = outage()
    await get()
    clock.now = 30_000
    expect(await get()).toBe('value 1')
    expect(loads()).toBe(2)
    await new Promise(setImmediate)
    expect(await get()).toBe('value 2')
    clock.now = 59_000
    expect(await get()).toBe('value 2')
  })

  test('is served through an outage until the grace is over, asking only now and then', async () => {
    const { clock, get, loads, answers } = outage()
    await get()
    answers(away)
    clock.now = 60_000
    for (let time = 0; time < 10; time++) expect(await get()).toBe('value 1')
    expect(loads()).toBe(2)
    clock.now = 70_000
    expect(await get()).toBe('value 1')
    expect(loads()).toBe(3)
    clock.now = 959_999
    expect(await get()).toBe('value 1')
    clock.now = 960_000
    await expect(get()).rejects.toThrow('away')
  })

  test('gives way to a new value as soon as there is one, also one that says no', async () => {
    const { clock, get, answers } = outage()
    await get()
    answers(away)
    clock.now = 60_000
    expect(await get()).toBe('value 1')
    answers(async () => 'revoked')
    clock.now = 63_000
    expect(await get()).toBe('revoked')
  })

  test('is not waited for when the database has gone silent', async () => {
    const { clock, get, answers } = outage({ patience: 20 })
    await get()
    answers(() => new Promise(() => {}))
    clock.now = 60_000
    expect(await get()).toBe('value 1')
    clock.now = 960_000
    await expect(get()).rejects.toThrow('no answer in 20 ms')
  })

  test('forgetting it ends that as well', async () => {
    const { clock, cache, get, answers } = outage()
    await get()
    answers(away)
    clock.now = 60_000
    cache.forget('a')
    await expect(get()).rejects.toThrow('away')
  })

  test('where requests may not wait for each other, each asks for itself and nothing is asked beside them', async () => {
    const { clock, get, loads } = outage({ shareLoads: false })
    await Promise.all([get(), get()])
    expect(loads()).toBe(2)
    clock.now = 59_999
    await get()
    expect(loads()).toBe(2)
  })

  test('is not at hand once it is due to be renewed: who asks for it then has it renewed', async () => {
    const { clock, cache, get } = outage()
    expect(cache.known('a')).toBeUndefined()
    await get()
    expect(cache.known('a')).toBe('value 1')
    clock.now = 30_000
    expect(cache.known('a')).toBeUndefined()
    cache.forget('a')
    expect(cache.known('a')).toBeUndefined()
  })

  test('where requests may not wait for each other it is at hand for as long as it holds', async () => {
    const { clock, cache, get } = outage({ shareLoads: false })
    await get()
    clock.now = 59_999
    expect(cache.known('a')).toBe('value 1')
    clock.now = 60_000
    expect(cache.known('a')).toBeUndefined()
  })
})
