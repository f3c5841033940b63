import { expect, test } from 'vitest'
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

test('where requests may not wait for each other, each asks for itself', async () => {
  const cache = memoryCache({ entries: 3, now: () => 0, shareLoads: false })
  let loads = 0
  const never = cache.remember('a', () => new Promise<never>(() => {})) // its request was given up
  const get = () => cache.remember('a', async () => ({ value: ++loads, ttl: 10 }))
  expect(await Promise.all([get(), get()])).toEqual([1, 2])
  expect(await Promise.race([get(), never])).toBe(2)
})
