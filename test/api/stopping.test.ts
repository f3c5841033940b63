import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { stopping } from '../../src/host/stopping.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { ADMIN_TOKEN } from '../runtime.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

const body = { model: 'claude-opus-5', max_tokens: 100, messages: [{ role: 'user', content: '!say hello' }] }

async function gateway() {
  const stop = stopping()
  return { stop, ...(await gatewayOn(bedrock, { stopping: stop })) }
}

describe('once the process has been told to end', () => {
  test('it is not ready, but answers who watches it; connections close', async () => {
    const { stop, runtime } = await gateway()
    expect((await app.request('/ready', {}, runtime)).status).toBe(200)
    stop.begin()
    const ready = await app.request('/ready', {}, runtime)
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1'])
    for (const path of ['/health', '/metrics']) {
      const answer = await app.request(path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }, runtime)
      expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
    }
  })

  test('a request is sent elsewhere before anything is done with it, by every door', async () => {
    const { stop, runtime, post } = await gateway()
    stop.begin()
    for (const path of [
      '/v1/messages',
      '/anthropic/v1/messages/count_tokens',
      '/model/x/invoke',
      '/admin/keys',
    ]) {
      const answer = await post(body, { path })
      expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('connection')]).toEqual([
        529,
        '1',
        'close',
      ])
      expect(await answer.json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } })
    }
    expect([bedrock.seen, runtime.rows]).toEqual([[], []])
  })

  test('what was under way before ends as ever', async () => {
    const { stop, post, runtime } = await gateway()
    const answer = await post({ ...body, stream: true })
    stop.begin()
    expect(await answer.text()).toContain('message_stop')
    stop.end()
    await runtime.settled()
    expect(runtime.rows).toMatchObject([{ status: 'succeeded' }])
  })
})

describe('when its time is over', () => {
  test('a stream ends with an overload, which the client tries again; its row is settled', async () => {
    bedrock.script({ kind: 'stall', at: 3 })
    const { stop, post, runtime } = await gateway()
    const answer = await post({ ...body, stream: true })
    stop.end()
    expect(await answer.text()).toMatch(/event: error\ndata: .*overloaded_error.*\n\n$/)
    await runtime.settled()
    expect(runtime.rows).toMatchObject([{ status: 'failed_midstream', errorType: 'overloaded_error' }])
  })

  test.each([false, true])('what has not begun is refused as an overload, stream %s', async (stream) => {
    bedrock.script({ kind: 'stall', at: 'before headers' })
    const { stop, post, runtime } = await gateway()
    const asked = post({ ...body, stream })
    await expect.poll(() => bedrock.seen.length).toBe(1)
    stop.end()
    const answer = await asked
    expect([answer.status, answer.headers.get('connection')]).toEqual([529, 'close'])
    await expect.poll(() => bedrock.seen[0]?.closedEarly).toBe(true)
    await runtime.settled()
    expect(runtime.rows).toMatchObject([{ status: 'cancelled', usageSource: 'estimated' }])
  })
})
