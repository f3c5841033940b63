import { describe, expect, test } from 'vitest'
import { authenticate, forgetKey } from '../../src/gateway/authenticate.ts'
import { newSecret } from '../../src/protocol/keys.ts'
import { keyIn, type TestRuntime, testRuntime } from '../runtime.ts'

const as = (runtime: TestRuntime, headers: Record<string, string>) =>
  authenticate(runtime, new Headers(headers))

describe('a key', () => {
  test('is taken from either header, or from both when they agree', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    for (const headers of [
      { 'x-api-key': secret },
      { authorization: `Bearer ${secret}` },
      { authorization: `bearer  ${secret}`, 'x-api-key': secret },
    ] as Record<string, string>[]) {
      expect(await as(runtime, headers)).toMatchObject({ keyId: key.id, models: [] })
    }
  })

  test('is refused when the headers disagree, even if both are good', async () => {
    const runtime = testRuntime()
    const [one, two] = [await keyIn(runtime), await keyIn(runtime)]
    await expect(
      as(runtime, { 'x-api-key': one.secret, authorization: `Bearer ${two.secret}` }),
    ).rejects.toMatchObject({
      type: 'authentication_error',
      message: expect.stringContaining('different keys'),
      retry: false,
    })
  })

  test.each([
    [{}, 'No key was sent'],
    [{ 'x-api-key': '' }, 'No key was sent'],
    [{ authorization: 'Basic abc' }, 'must read: Bearer'],
    [{ authorization: 'Bearer' }, 'must read: Bearer'],
    [{ 'x-api-key': 'sk-ant-000' }, 'not a key of this gateway'],
    [{ 'x-api-key': `${newSecret()}x` }, 'not a key of this gateway'],
  ])('%j is refused before the database is asked', async (headers, sentence) => {
    const runtime = testRuntime()
    await expect(as(runtime, headers)).rejects.toMatchObject({
      type: 'authentication_error',
      message: expect.stringContaining(sentence),
    })
    expect(runtime.lookUps()).toBe(0)
  })

  test('that nobody knows is asked about once in five seconds, and found once it is made', async () => {
    const runtime = testRuntime()
    const { key, headers } = await keyIn(runtime)
    runtime.keys.length = 0
    for (let time = 0; time < 3; time++) await expect(as(runtime, headers)).rejects.toThrow('not known here')
    expect(runtime.lookUps()).toBe(1)
    runtime.keys.push(key)
    runtime.clock.now += 5_001
    expect(await as(runtime, headers)).toMatchObject({ keyId: key.id })
  })

  test('is looked up once, however many requests come at once', async () => {
    const runtime = testRuntime()
    const { headers } = await keyIn(runtime)
    await Promise.all(Array.from({ length: 50 }, () => as(runtime, headers)))
    expect(runtime.lookUps()).toBe(1)
  })

  test('deleted elsewhere stops within sixty seconds', async () => {
    const runtime = testRuntime()
    const { key, headers } = await keyIn(runtime)
    await as(runtime, headers)
    key.deletedAt = new Date()
    runtime.clock.now += 59_999
    await as(runtime, headers)
    runtime.clock.now += 1
    await expect(as(runtime, headers)).rejects.toThrow('not known here')
  })

  test('deleted here stops at once', async () => {
    const runtime = testRuntime()
    const { key, headers } = await keyIn(runtime)
    await as(runtime, headers)
    key.deletedAt = new Date()
    forgetKey(runtime, key.hash)
    await expect(as(runtime, headers)).rejects.toThrow('not known here')
  })

  test('that is disabled says so, and works again when enabled', async () => {
    const runtime = testRuntime()
    const { key, headers } = await keyIn(runtime)
    key.disabledAt = new Date()
    await expect(as(runtime, headers)).rejects.toMatchObject({ type: 'permission_error', retry: false })
    key.disabledAt = null
    runtime.clock.now += 5_001
    expect(await as(runtime, headers)).toMatchObject({ keyId: key.id })
  })

  test('is not refused because the database is down: that is an error of another kind, and not remembered', async () => {
    const runtime = testRuntime()
    const { key, headers } = await keyIn(runtime)
    const { byHash } = runtime.data.keys
    runtime.data.keys.byHash = () => Promise.reject(new Error('down'))
    await expect(as(runtime, headers)).rejects.toMatchObject({ type: 'api_error', status: 503 })
    runtime.data.keys.byHash = byHash
    expect(await as(runtime, headers)).toMatchObject({ keyId: key.id })
  })
})
