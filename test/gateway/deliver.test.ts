/** Delivering: once among replicas, again after a failure, never for ever, and nobody for somebody else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deliverDue, pauseAfter } from '../../src/gateway/deliver.ts'
import { noticeStage, type Stage } from '../notify/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await noticeStage()
})
beforeEach(() => stage.clear())
afterAll(() => stage.close())

const arrived = (path: string) => stage.inbox.posted.filter((one) => one.path === path)
const history = (channelId: string) => stage.data.deliveries.find({ channelId, limit: 1_000 })

test('what several replicas find due arrives once', async () => {
  const id = await stage.channel('/ops')
  for (let count = 0; count < 12; count++) await stage.raise()
  await Promise.all([1, 2, 3, 4].map(() => deliverDue(stage.replica())))
  const ids = arrived('/ops').map(({ headers }) => headers['webhook-id'])
  expect(ids).toHaveLength(12)
  expect(new Set(ids).size).toBe(12)
  expect((await history(id)).every(({ state, attempts }) => state === 'delivered' && attempts === 1)).toBe(
    true,
  )
  await deliverDue(stage.replica())
  expect(arrived('/ops')).toHaveLength(12)
})

test('a failure is noted as a word, logged without the address, and tried again when its time has come', async () => {
  const id = await stage.channel('/hooks/hunter2')
  await stage.raise()
  stage.inbox.answer(() => ({ status: 503, body: 'we are hunter2' }))
  const runtime = stage.replica()
  await deliverDue(runtime)
  expect(await history(id)).toMatchObject([{ state: 'waiting', attempts: 1, problem: 'http_503' }])
  expect(runtime.lines).toMatchObject([
    { level: 'warn', message: 'a notice was not delivered', fields: { problem: 'http_503' } },
  ])
  expect(JSON.stringify(runtime.lines)).not.toContain('hunter2')
  await deliverDue(runtime)
  expect(stage.inbox.posted).toHaveLength(1)
  stage.inbox.answer(() => ({ status: 200 }))
  await stage.timePasses()
  await deliverDue(runtime)
  expect(await history(id)).toMatchObject([{ state: 'delivered', attempts: 2, problem: null }])
  const [first, second] = stage.inbox.posted
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
})

test('what fails twenty times is dead, and lives again when somebody asks for it', async () => {
  const id = await stage.channel('/ops')
  await stage.raise()
  stage.inbox.answer(() => ({ status: 500 }))
  const runtime = stage.replica()
  for (let count = 0; count < 25; count++) {
    await deliverDue(runtime)
    await stage.timePasses()
  }
  expect(stage.inbox.posted).toHaveLength(20)
  expect(await history(id)).toMatchObject([{ state: 'dead', attempts: 20, problem: 'http_500' }])
  expect(runtime.lines.at(-1)).toMatchObject({ level: 'error', message: 'a notice was given up' })
  const counted = (outcome: string) => `outcrop_deliveries_total{channel="webhook",outcome="${outcome}"}`
  expect(await runtime.metrics.text()).toContain(`${counted('failed')} 19\n${counted('dead')} 1`)
  stage.inbox.answer(() => ({ status: 200 }))
  expect(await stage.data.deliveries.retry(id, new Date(0))).toBe(1)
  await deliverDue(runtime)
  expect(await history(id)).toMatchObject([{ state: 'delivered', attempts: 1 }])
})

test('twenty attempts take about a day, and no two of the gateway’s replicas the same time', () => {
  const pauses = Array.from({ length: 19 }, (_, index) => pauseAfter(index + 1))
  const hours = pauses.reduce((sum, pause) => sum + pause, 0) / 3_600_000
  expect(hours).toBeGreaterThan(19)
  expect(hours).toBeLessThan(29)
  expect(pauses[0]).toBeLessThan(36_001)
  expect(new Set(Array.from({ length: 20 }, () => pauseAfter(5))).size).toBeGreaterThan(1)
  expect(pauseAfter(1, { retryAfter: 600 })).toBe(600_000)
  expect(pauseAfter(1, { retryAfter: 999_999 })).toBe(7_200_000)
})

test('a channel that hangs keeps nobody else waiting', async () => {
  const stuck = await stage.channel('/stuck', { teams: ['team_1'] })
  await stage.channel('/well', { teams: ['team_2'] })
  for (let count = 0; count < 30; count++) {
    await stage.raise({ teamId: 'team_1' })
    await stage.raise({ teamId: 'team_2' })
  }
  const hung: (() => void)[] = []
  const released = () =>
    new Promise<{ status: number }>((resolve) => hung.push(() => resolve({ status: 500 })))
  stage.inbox.answer(({ path }) => (path === '/stuck' ? released() : { status: 200 }))
  const round = deliverDue(stage.replica())
  await expect.poll(() => arrived('/well').length).toBe(30)
  expect(arrived('/stuck')).toHaveLength(1)
  for (const release of hung) release()
  await round
  const states = (await history(stuck)).map(({ state, attempts }) => `${state} ${attempts}`)
  expect(states.filter((state) => state === 'waiting 1')).toHaveLength(1)
  expect(states.filter((state) => state === 'waiting 0')).toHaveLength(29)
})

test('who dies before it is noted delivers again, with the same id', async () => {
  const id = await stage.channel('/ops')
  await stage.raise()
  const dying = stage.replica()
  const { deliveries } = stage.data
  const dead = {
    ...stage.data,
    deliveries: { ...deliveries, delivered: () => Promise.reject(new Error('killed')) },
  }
  await expect(deliverDue({ ...dying, data: dead })).rejects.toThrow('killed')
  await deliverDue(stage.replica())
  expect(arrived('/ops')).toHaveLength(1)
  await stage.timePasses()
  await deliverDue(stage.replica())
  const ids = arrived('/ops').map(({ headers }) => headers['webhook-id'])
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(1)
  expect(await history(id)).toMatchObject([{ state: 'delivered', attempts: 2 }])
})

test('a process that is told to end begins nothing new', async () => {
  await stage.channel('/ops')
  await stage.raise()
  const stopping = { hasBegun: () => true, whenOver: () => () => {} }
  await deliverDue(stage.replica({ stopping }))
  expect(stage.inbox.posted).toEqual([])
})

describe('secrets', () => {
  const withKeys = (...secretKeys: string[]) => {
    const runtime = stage.replica()
    return { ...runtime, config: { ...runtime.config, secretKeys } }
  }

  test('open under every SECRET_KEY there is, and are said to be closed under another', async () => {
    const id = await stage.channel('/ops', { kind: 'slack' })
    const [old = ''] = stage.replica().config.secretKeys
    const fresh = 'another secret key that is long enough'
    await stage.raise()
    await deliverDue(withKeys(fresh, old))
    expect(arrived('/ops')).toHaveLength(1)
    await stage.raise()
    await deliverDue(withKeys(fresh))
    expect(arrived('/ops')).toHaveLength(1)
    expect((await history(id))[0]).toMatchObject({ state: 'waiting', problem: 'sealed_with_another_key' })
  })

  test('of one channel do not open for another', async () => {
    const [mine, other] = [await stage.channel('/mine'), await stage.channel('/other')]
    const stolen = (await stage.data.channels.byId(other))?.secrets ?? null
    const settings = { url: `${stage.inbox.url}/mine` }
    await stage.data.channels.resettle(mine, { settings, secrets: stolen })
    await stage.data.channels.passed({ id: mine, settings, secrets: stolen }, new Date())
    await stage.data.channels.activate(mine)
    await stage.raise()
    await deliverDue(stage.replica())
    expect(arrived('/mine')).toEqual([])
    expect((await history(mine))[0]).toMatchObject({ problem: 'sealed_with_another_key' })
  })
})
