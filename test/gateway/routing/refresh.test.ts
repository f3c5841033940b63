/**
 * What credentials cost requests: keys that live for three seconds, an STS that is slow and fails, and a Bedrock that takes
 * no key a moment longer than it lives. No request may fail, none may wait; and with warm caches nobody is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { app } from '../../../src/app.ts'
import type { UpstreamRow } from '../../../src/data/upstreams.ts'
import type { Keyring } from '../../../src/gateway/routing/keyring.ts'
import { configured } from '../../../src/gateway/routing/upstreams.ts'
import { keyIn } from '../../runtime.ts'
import { addUpstream } from '../../upstreamrows.ts'
import { callBy, GATEWAY, ROLE, type Stage, startStage } from './stage.ts'

const stages: Stage[] = []
afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()))
})

/** How often credentials were waited for: what is at hand is given within the turn in which it is asked for. */
function watched(keyring: Keyring): { keyring: Keyring; waits(): number } {
  let waits = 0
  const of: Keyring['of'] = (...asked) => {
    const source = keyring.of(...asked)
    return {
      reject: source.reject,
      async get(keepAlive) {
        let isThere = false
        const given = source.get(keepAlive).finally(() => {
          isThere = true
        })
        for (let turn = 0; turn < 5; turn++) await Promise.resolve()
        if (!isThere) waits++
        return given
      },
    }
  }
  return { keyring: { ...keyring, of }, waits: () => waits }
}

const CALLERS = ['ann', 'bob', 'eve'].map((name) => ({
  keyId: `key_${name}`,
  userId: `user_${name}`,
  teamId: 'team_red',
}))

const SAID = { max_tokens: 10, messages: [{ role: 'user', content: '!say hello' }] }

async function stageWith(lives?: number) {
  const roles = [{ arn: ROLE, trusts: [GATEWAY] }]
  const stage = await startStage({ roles, ...(lives === undefined ? {} : { lives }) })
  stages.push(stage)
  const plain = stage.runtime()
  const { keyring, waits } = watched(plain.keyring)
  const runtime = { ...plain, keyring }
  const role = { credentials: 'role', roleArn: ROLE, sessionTags: 'team, user' }
  await addUpstream(runtime, { id: 'u', settings: { endpoint: stage.bedrock.url, ...role } })
  for (const caller of CALLERS) await callBy(runtime, 'u', caller)
  return { stage, runtime, waits }
}

test('credentials are renewed under load without a request that fails or waits', {
  timeout: 30_000,
}, async () => {
  const { stage, runtime, waits } = await stageWith(3_000)
  expect(waits()).toBe(CALLERS.length)
  const tries = new Map<string, number>()
  stage.sts.behave(({ form }) => {
    const user = form['Tags.member.2.Value'] ?? ''
    const number = (tries.get(user) ?? 0) + 1
    tries.set(user, number)
    const isDown = number % 3 === 2
    return { delay: 200, ...(isDown ? { refuse: { status: 503, code: 'ServiceUnavailable' } } : {}) }
  })
  const begun = Date.now()
  const outcomes = await Promise.all(
    CALLERS.map(async (caller) => {
      const failures: unknown[] = []
      let calls = 0
      while (Date.now() - begun < 8_000) {
        await callBy(runtime, 'u', caller).catch((error: unknown) => failures.push(error))
        calls++
        await sleep(10)
      }
      return { calls, failures }
    }),
  )
  const calls = outcomes.reduce((sum, outcome) => sum + outcome.calls, 0)
  expect(outcomes.flatMap(({ failures }) => failures)).toEqual([])
  expect(waits() - CALLERS.length).toBe(0)
  expect(stage.bedrock.seen.filter(({ outcome }) => outcome === 'refused')).toEqual([])
  expect(calls).toBeGreaterThan(200)
  // Over several of their lives, though every third time STS had none to give.
  for (const number of tries.values()) expect(number).toBeGreaterThanOrEqual(4)
  const warned = runtime.lines.filter(({ message }) => message.includes('could not be renewed'))
  expect(warned.length).toBeGreaterThan(0)
  expect(warned[0]?.fields).toMatchObject({ upstream: 'u', cause: 'STS: ServiceUnavailable' })
})

test('with warm caches no call asks AWS for anything but its answer', async () => {
  const { stage, runtime, waits } = await stageWith()
  const sent: string[] = []
  const counted = {
    ...runtime,
    fetch: ((url, init) => {
      sent.push(new URL(url).pathname.split('/').at(-1) ?? '')
      return runtime.fetch(url, init)
    }) satisfies typeof runtime.fetch,
  }
  let loads = 0
  const { all } = runtime.data.upstreams
  runtime.data.upstreams.all = () => {
    loads++
    return all()
  }
  const { upstreams } = runtime
  upstreams.push({ ...(upstreams[0] as UpstreamRow), id: 'default', kind: 'environment', enabled: false })
  runtime.cache.forget('upstreams')
  const keys = await Promise.all(CALLERS.map(() => keyIn(runtime)))
  const ask = async (headers: Record<string, string>) => {
    const body = JSON.stringify({ ...SAID, model: 'claude-opus-5-5' })
    const response = await app.request('/v1/messages', { method: 'POST', headers, body }, counted)
    expect([response.status, await response.json()]).toMatchObject([200, { type: 'message' }])
  }
  for (const { headers } of keys) await ask(headers)
  const before = { asked: stage.sts.asked.length, waits: waits(), keys: runtime.lookUps(), loads }
  sent.length = 0
  const N = 300
  for (let round = 0; round < N; round++) await ask(keys[round % keys.length]?.headers ?? { 'x-api-key': '' })
  expect(sent).toEqual(Array.from({ length: N }, () => 'invoke-with-response-stream'))
  expect({ asked: stage.sts.asked.length, waits: waits(), keys: runtime.lookUps(), loads }).toEqual(before)
  expect(before.asked).toBeGreaterThan(1)
  expect(stage.bedrock.asked).toEqual([])
})

test('to tell the upstreams there are takes microseconds', async () => {
  const { runtime } = await stageWith()
  await configured(runtime)
  const rounds = 5_000
  const begun = performance.now()
  for (let round = 0; round < rounds; round++) {
    const [, row] = await configured(runtime)
    row?.place()
    row?.credentialsFor(CALLERS[0])
  }
  const each = ((performance.now() - begun) / rounds) * 1_000
  expect(each).toBeLessThan(100)
})
