import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { repeatedly } from '../../src/host/clock.ts'

const always = { every: 1, spread: 2, isReady: () => true }

test('work is done again and again, never twice at the same time, until it is told to end', async () => {
  let [under, most, times] = [0, 0, 0]
  const stop = repeatedly(always, async () => {
    most = Math.max(most, ++under)
    times++
    await sleep(5)
    under--
  })
  await expect.poll(() => times).toBeGreaterThan(5)
  stop()
  expect(most).toBe(1)
  await expect.poll(() => under).toBe(0)
  const after = times
  await sleep(30)
  expect(times).toBe(after)
})

test('what fails once is done the next time', async () => {
  let times = 0
  const stop = repeatedly(always, () => {
    times++
    return times === 1 ? Promise.reject(new Error('away')) : Promise.resolve()
  })
  await expect.poll(() => times).toBeGreaterThan(2)
  stop()
})

test('nothing is done before it can be', async () => {
  let [asked, times] = [0, 0]
  const isReady = async () => ++asked > 3
  const stop = repeatedly({ ...always, isReady }, async () => times++)
  await expect.poll(() => times).toBeGreaterThan(0)
  expect(asked).toBeGreaterThan(3)
  stop()
})
