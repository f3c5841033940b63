/** What a client sees of an upstream that fails where another one is at hand: nothing. And what the ledger says of it. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { RoutingPolicy } from '../../src/data/tables/upstreams.ts'
import { type FakeBedrock, type Step, startFakeBedrock } from '../fakes/bedrock.ts'
import type { StreamExceptionName } from '../fakes/refusal.ts'
import { refuseWith, throttle } from '../fakes/steps.ts'
import { addUpstream, atFake } from '../upstreamrows.ts'
import { eventually } from '../whole/eventually.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

type Name = 'a' | 'b' | 'far'

const fakes: Record<Name, FakeBedrock> = {
  a: await startFakeBedrock(),
  b: await startFakeBedrock(),
  far: await startFakeBedrock({ region: 'eu-west-1' }),
}
afterAll(async () => void (await Promise.all(Object.values(fakes).map((fake) => fake.close()))))
beforeEach(() => {
  for (const fake of Object.values(fakes)) fake.reset()
})

const BOUNDS = { slowAfter: 150, pingAfter: 15_000 }

/** Two upstreams in the United States, the first tried first, and one that no call may go to. */
async function gateway(
  policy: RoutingPolicy = {},
  limits: Partial<typeof BOUNDS> = {},
): Promise<TestGateway> {
  const made = await gatewayOn(fakes.a, { env: { EGRESS_ALLOW_LOOPBACK: 'true' } })
  const { runtime } = made
  await addUpstream(runtime, atFake(fakes.b, 'upstream_b', { priority: 1 }))
  await addUpstream(runtime, atFake(fakes.far, 'upstream_far', { priority: 2 }))
  await runtime.data.settings.put('routing', { strategy: 'priority', geographies: ['us'], ...policy })
  Object.assign(runtime.config, { limits: { ...runtime.config.limits, ...BOUNDS, ...limits } })
  return made
}

const hello = (stream: boolean, more: object = {}) => ({
  model: 'claude-opus-5',
  max_tokens: 1_000,
  stream,
  messages: [{ role: 'user', content: '!say one two three' }],
  ...more,
})

/** Says so after a while. */
const late = (name: StreamExceptionName): Step => ({
  kind: 'exception',
  name,
  after: 0,
  reply: { content: [{ type: 'text', text: 'never' }], delay: 200 },
})

const seen = () => Object.values(fakes).map(({ seen }) => seen.length)
const starts = (text: string) => text.split('"type":"message_start"').length - 1

async function answered(at: TestGateway, stream = true): Promise<string> {
  const response = await at.post(hello(stream))
  const text = await response.text()
  expect({ status: response.status, text }).toMatchObject({ status: 200 })
  return text
}

async function rowOf({ runtime }: TestGateway) {
  await runtime.settled()
  expect(runtime.rows).toHaveLength(1)
  await eventually(() => runtime.steering.underWay.size === 0 || undefined)
  return runtime.rows[0]
}

/** Every way to fail before the first content: what is scripted, the class, and how often the first one is asked. */
const BEFORE: [string, Step, string, number?][] = [
  ['a throttle', throttle(), 'throttled'],
  ["the day's quota", throttle('Too many tokens per day, please wait before trying again.'), 'spent_today'],
  ['a quota of the account', refuseWith('ServiceQuotaExceededException'), 'throttled'],
  ['an overload', refuseWith('ServiceUnavailableException'), 'overloaded'],
  ['a model that is not ready', refuseWith('ModelNotReadyException'), 'overloaded'],
  ['a 500', refuseWith('InternalServerException'), 'failed'],
  ['a 424', refuseWith('ModelErrorException'), 'failed'],
  ['a timeout of the model', refuseWith('ModelTimeoutException'), 'slow'],
  ['credentials that are expired', refuseWith('ExpiredTokenException'), 'credentials', 2],
  ['keys that are unknown', refuseWith('UnrecognizedClientException'), 'credentials', 2],
  ['a model without access', refuseWith('AccessDeniedException'), 'access'],
  ['a model that is gone', refuseWith('ResourceNotFoundException'), 'access'],
  ['a form that is not filled in', refuseWith('FTUFormNotFilled'), 'access'],
  ['an operation it does not know', refuseWith('UnknownOperationException'), 'access'],
  ['a cut before any byte', { kind: 'cut', bytes: 0 }, 'failed'],
  ['silence', { kind: 'stall', at: 'before headers' }, 'slow'],
]
/** And those that only a stream has; what is sent upstream always is one. */
const IN_STREAM: [string, Step, string][] = [
  ['a throttle in the stream', { kind: 'exception', name: 'throttlingException', after: 0 }, 'throttled'],
  [
    'an exception behind message_start',
    { kind: 'exception', name: 'internalServerException', after: 1 },
    'failed',
  ],
  ['a cut behind message_start', { kind: 'cut', events: 1 }, 'failed'],
  ['an end behind message_start', { kind: 'end', events: 1 }, 'failed'],
  ['a corrupt frame', { kind: 'corrupt', frame: 0, how: 'payload' }, 'failed'],
  ['silence behind message_start', { kind: 'stall', at: 1 }, 'slow'],
  ['silence behind the headers', { kind: 'stall', at: 'after headers' }, 'slow'],
]

describe.each([true, false])('where stream is %s, another upstream answers', (stream) => {
  test.each([...BEFORE, ...IN_STREAM])('%s', async (_, step, said, times = 1) => {
    const at = await gateway()
    fakes.a.script(...Array.from({ length: times }, () => step))
    const response = await at.post(hello(stream))
    const text = await response.text()
    expect({ status: response.status, text }).toMatchObject({ status: 200 })
    expect(text).toContain(stream ? 'event: message_stop' : '"stop_reason":"end_turn"')
    if (stream) expect(starts(text)).toBe(1)
    expect(seen()).toEqual([times, 1, 0])
    const row = await rowOf(at)
    expect(row).toMatchObject({
      status: 'succeeded',
      upstream: 'upstream_b',
      attempts: times + 1,
      usageSource: 'final',
    })
    expect(row?.trail?.steps).toContainEqual(
      expect.objectContaining({ did: 'failed', upstream: 'default', class: said }),
    )
    expect(row?.trail?.candidates).toContainEqual(
      expect.objectContaining({ upstream: 'upstream_far', reason: 'geography' }),
    )
  })
})

describe("what is the caller's own goes nowhere else", () => {
  test.each<[string, Step, number]>([
    ['a field that is wrong', refuseWith('ValidationException', 'max_tokens: must be positive'), 400],
    [
      'a prompt that is too long',
      refuseWith('ValidationException', 'Input is too long for requested model.'),
      400,
    ],
    ['a body that is too large', refuseWith('RequestEntityTooLargeException'), 413],
    ['the same in the stream', { kind: 'exception', name: 'validationException', after: 0 }, 400],
  ])('%s', async (_, step, status) => {
    const at = await gateway()
    fakes.a.script(step)
    expect((await at.post(hello(true))).status).toBe(status)
    expect(seen()).toEqual([1, 0, 0])
    expect(at.runtime.steering.breakers.standings(Date.now())).toEqual([])
    await rowOf(at)
  })
})

test('after the first content nothing is tried again: the stream ends with an error, and the row says so', async () => {
  const at = await gateway()
  fakes.a.script({ kind: 'cut', events: 3 })
  const text = await (await at.post(hello(true))).text()
  expect(starts(text)).toBe(1)
  expect(text).toContain('event: error')
  expect(seen()).toEqual([1, 0, 0])
  expect(await rowOf(at)).toMatchObject({
    status: 'failed_midstream',
    upstream: 'default',
    usageSource: 'partial',
  })
})

test('what an upstream said of its usage before it failed is paid for as well', async () => {
  const at = await gateway()
  await at.post(hello(true)).then((response) => response.text())
  const alone = (await rowOf(at))?.costNano ?? 0
  at.runtime.rows.length = 0
  fakes.a.script({ kind: 'exception', name: 'internalServerException', after: 1 })
  await at.post(hello(true)).then((response) => response.text())
  const row = await rowOf(at)
  expect(row?.feeNano).toBeGreaterThan(0)
  expect(row?.costNano).toBeGreaterThan(alone)
  expect((row?.costNano ?? 0) - (row?.feeNano ?? 0)).toBe(alone)
})

describe('where every upstream fails', () => {
  test('for want of room, the client is told when the first of them has some', async () => {
    const at = await gateway({ patience: 0 })
    fakes.a.script({ ...throttle(), headers: { 'retry-after': '40' } } as Step)
    fakes.b.script({ ...throttle(), headers: { 'retry-after': '20' } } as Step)
    const response = await at.post(hello(true))
    expect({ status: response.status, after: response.headers.get('retry-after') }).toEqual({
      status: 429,
      after: '20',
    })
    expect(await rowOf(at)).toMatchObject({ status: 'refused', errorType: 'rate_limit_error', attempts: 2 })
  })

  test('for want of room now, it waits as long as its team has patience, and is answered', async () => {
    const at = await gateway({ patience: 30_000 })
    fakes.a.script({ ...throttle(), headers: { 'retry-after': '1' } } as Step)
    fakes.b.script(refuseWith('InternalServerException'))
    const response = await at.post(hello(false))
    expect(response.status).toBe(200)
    expect(seen()).toEqual([2, 1, 0])
    const row = await rowOf(at)
    expect(row?.trail?.steps.map(({ did }) => did)).toEqual([
      'sent',
      'failed',
      'sent',
      'failed',
      'waited',
      'sent',
    ])
  })

  test('in other ways, the client is told to try again', async () => {
    const at = await gateway()
    fakes.a.script(refuseWith('InternalServerException'))
    fakes.b.script(refuseWith('ModelTimeoutException'))
    const response = await at.post(hello(true))
    expect(response.status).toBe(529)
    expect(await response.json()).toMatchObject({ error: { type: 'overloaded_error' } })
  })

  test('since nobody lets the gateway in, the client is told whose fault that is, and not to try again', async () => {
    const at = await gateway()
    for (const fake of [fakes.a, fakes.b])
      fake.script(...Array<Step>(2).fill(refuseWith('ExpiredTokenException')))
    const response = await at.post(hello(true))
    expect({ status: response.status, again: response.headers.get('x-should-retry') }).toEqual({
      status: 500,
      again: 'false',
    })
    expect(await response.text()).toContain('Your key is fine')
  })
})

describe('while it is looked for who answers', () => {
  test('the client hears pings, then one answer', async () => {
    const at = await gateway({}, { pingAfter: 60 })
    fakes.a.script({ kind: 'stall', at: 'before headers' })
    fakes.b.script({ kind: 'answer', pace: 20 })
    const text = await (await at.post(hello(true))).text()
    expect(text.indexOf('event: ping')).toBe(0)
    expect(starts(text)).toBe(1)
    expect(text).toContain('event: message_stop')
    expect(await rowOf(at)).toMatchObject({ status: 'succeeded', upstream: 'upstream_b' })
  })

  test('and nobody does, the answer that has begun ends with an error', async () => {
    const at = await gateway({ patience: 0 }, { pingAfter: 60, slowAfter: 10_000 })
    fakes.a.script(late('throttlingException'))
    fakes.b.script(late('internalServerException'))
    const response = await at.post(hello(true))
    expect(response.status).toBe(200)
    const events = (await response.text()).split('\n').filter((line) => line.startsWith('event: '))
    expect(new Set(events)).toEqual(new Set(['event: ping', 'event: error']))
    expect(await rowOf(at)).toMatchObject({
      status: 'failed_midstream',
      errorType: 'rate_limit_error',
      costNano: 0,
    })
  })

  test('and nobody does, an answer in one piece still has its status', async () => {
    const at = await gateway({ patience: 0 }, { pingAfter: 60, slowAfter: 10_000 })
    fakes.a.script(late('throttlingException'))
    fakes.b.script(late('throttlingException'))
    const response = await at.post(hello(false))
    expect({ status: response.status, error: await response.json() }).toMatchObject({
      status: 429,
      error: { error: { type: 'rate_limit_error' } },
    })
    await rowOf(at)
  })

  test('and the client leaves, everything is let go', async () => {
    const at = await gateway({}, { pingAfter: 60 })
    fakes.a.script({ kind: 'stall', at: 'before headers' })
    fakes.b.script({ kind: 'stall', at: 'before headers' })
    const response = await at.post(hello(true))
    const reader = response.body?.getReader()
    await reader?.read()
    await eventually(() => fakes.b.seen.length === 1 || undefined)
    await reader?.cancel()
    expect(await rowOf(at)).toMatchObject({ status: 'cancelled' })
    await eventually(() => (fakes.a.seen[0]?.closedEarly && fakes.b.seen[0]?.closedEarly) || undefined)
  })
})

describe('a slow upstream', () => {
  test('that begins before the other one answers, and the other one is let go', async () => {
    const at = await gateway()
    fakes.a.script({ kind: 'stall', at: 'before headers', ms: 400 })
    fakes.b.script({ kind: 'stall', at: 'before headers' })
    const response = await at.post(hello(true))
    expect(await response.text()).toContain('event: message_stop')
    const row = await rowOf(at)
    expect(row).toMatchObject({ status: 'succeeded', upstream: 'default', attempts: 2 })
    expect(row?.feeNano).toBeGreaterThan(0)
    expect(row?.trail?.steps).toContainEqual(expect.objectContaining({ did: 'weighed', chose: 'hedge' }))
  })

  test('is kept where the other one fails', async () => {
    const at = await gateway()
    fakes.a.script({ kind: 'stall', at: 'before headers', ms: 500 })
    fakes.b.script(refuseWith('InternalServerException'))
    expect((await at.post(hello(false))).status).toBe(200)
    expect(await rowOf(at)).toMatchObject({ upstream: 'default', attempts: 2 })
  })
})

describe('a chain of models', () => {
  const stepDown = { 'claude-opus-*': ['claude-sonnet-5', 'claude-haiku-4-5'] }

  test('steps down where no upstream has room for the first, and says so', async () => {
    const at = await gateway({ patience: 0, stepDown })
    fakes.a.script(throttle())
    fakes.b.script(throttle())
    const response = await at.post(hello(false))
    expect(response.headers.get('x-outcrop-model')).toBe('claude-sonnet-5')
    expect(await response.json()).toMatchObject({ model: 'claude-sonnet-5' })
    const row = await rowOf(at)
    expect(row).toMatchObject({ model: 'claude-opus-5', modelId: 'us.anthropic.claude-sonnet-5' })
    expect(row?.trail?.steps).toContainEqual(
      expect.objectContaining({ did: 'stepped_down', from: 'claude-opus-5', to: 'claude-sonnet-5' }),
    )
  })

  test('passes over what the key may not use', async () => {
    const at = await gateway({ patience: 0, stepDown })
    for (const key of at.runtime.keys) Object.assign(key, { models: ['claude-opus-*', 'claude-haiku-*'] })
    fakes.a.script(refuseWith('ServiceUnavailableException'))
    fakes.b.script(refuseWith('ServiceUnavailableException'))
    const response = await at.post(hello(false))
    expect(response.headers.get('x-outcrop-model')).toBe('claude-haiku-4-5')
  })

  test('is not for what is wrong with the call, nor for what only people can mend', async () => {
    const at = await gateway({ patience: 0, stepDown })
    fakes.a.script(refuseWith('ValidationException', 'max_tokens: must be positive'))
    expect((await at.post(hello(false))).status).toBe(400)
    for (const fake of [fakes.a, fakes.b]) fake.script(refuseWith('AccessDeniedException'))
    expect((await at.post(hello(false))).status).toBe(403)
    expect(seen()).toEqual([2, 1, 0])
  })
})

test.each(['http://127.0.0.1:1', 'http://no-such-region.invalid'])(
  'a region that is gone (%s) is passed over, and spared',
  async (url) => {
    const at = await gateway()
    at.runtime.config.aws.runtimeEndpoint = url
    for (let count = 0; count < 3; count++) await answered(at)
    expect(seen()).toEqual([0, 3, 0])
    expect(at.runtime.steering.breakers.standings(Date.now())).toMatchObject([
      { upstream: 'default', model: undefined, state: 'open', class: 'unreachable' },
    ])
    await at.runtime.settled()
    expect(at.runtime.rows.map(({ attempts, upstream }) => ({ attempts, upstream }))).toEqual([
      { attempts: 2, upstream: 'upstream_b' },
      { attempts: 2, upstream: 'upstream_b' },
      { attempts: 1, upstream: 'upstream_b' },
    ])
  },
)

test('after so many failures an upstream is spared, and tried again in time', async () => {
  const at = await gateway()
  for (let count = 0; count < 3; count++) {
    fakes.a.script(refuseWith('InternalServerException'))
    await answered(at)
  }
  expect(seen()).toEqual([3, 3, 0])
  await answered(at)
  expect(seen()).toEqual([3, 4, 0])
})
