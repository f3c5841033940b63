/** What the caller hears when Bedrock refuses, breaks off, or sends nonsense; and what the ledger says of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, type Step, startFakeBedrock } from '../fakes/bedrock.ts'
import { chunkFrame, strangeFrame } from '../fakes/frames.ts'
import type { ExceptionName, StreamExceptionName } from '../fakes/refusal.ts'
import { refuseWith } from '../fakes/steps.ts'
import { ask, type Event, eventsIn, expectRefusal, said } from './caller.ts'
import { AS_SENT, IN_STREAM, OVER_HTTP } from './exceptions.ts'
import { type Gateway, type SpendRow, startGateway } from './gateway.ts'

let fake: FakeBedrock
let gateway: Gateway
let key: string
let keyId: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  gateway = await startGateway({ bedrock: fake })
})
/** A key a test, so that its rows are its own. */
beforeEach(async () => {
  fake.reset()
  const made = await gateway.makeKey()
  key = made.key
  keyId = made.id
})
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

function send(stream: boolean): Promise<Response> {
  return ask(gateway, said('!say one two three', { stream }), { 'x-api-key': key })
}

async function row(): Promise<SpendRow> {
  const [only] = await gateway.settled(1, { key: keyId })
  if (!only) throw new Error('There is no row.')
  return only
}

describe('an HTTP exception', () => {
  test.each(Object.entries(OVER_HTTP))('%s', async (name, { status, type, message, ...hints }) => {
    for (const stream of [true, false]) {
      // Twice: trouble with credentials is tried again with fresh ones.
      const refuse = refuseWith(name as ExceptionName, 'in other words')
      fake.script(refuse, refuse)
      const response = await send(stream)
      expect(response.headers.get('retry-after')).toBe(hints.retryAfter ?? null)
      expect(response.headers.get('x-should-retry')).toBe(hints.shouldRetry ?? null)
      await expectRefusal(response, status, type, message)
      fake.reset()
    }
    const rows = await gateway.settled(2, { key: keyId })
    expect(rows).toMatchObject([
      { status: 'refused', error_type: type, cost_nano: 0, stream: true },
      { status: 'refused', error_type: type, cost_nano: 0, stream: false },
    ])
  })

  test('about a prompt that is too long reads as the client needs it to', async () => {
    fake.script(refuseWith('ValidationException', 'Input is too long for requested model.'))
    await expectRefusal(
      await send(true),
      400,
      'invalid_request_error',
      /^prompt is too long: Input is too long/,
    )
  })

  test('tells no account number and no ARN', async () => {
    fake.script(
      refuseWith('ValidationException', 'arn:aws:bedrock:us-east-1:123456789012:x/y of 123456789012'),
    )
    await expectRefusal(await send(true), 400, 'invalid_request_error', /^\(resource\) of \(account\)$/)
  })

  test('rotated credentials: the gateway asks for new ones, and says so while there are none', async () => {
    fake.expired.add(fake.credentials.accessKeyId)
    await expectRefusal(await send(true), 500, 'api_error', /Your key is fine/)
    fake.expired.clear()
    expect((await send(true)).status).toBe(200)
  })
})

const MODEL_ERROR = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }

/** A stream that says so when it breaks: whole events, one `error` at the end, the same request id, no `message_stop`. */
async function expectBroken(response: Response, type: string, before: readonly string[]): Promise<Event> {
  expect(response.status).toBe(200)
  const events = eventsIn(await response.text())
  expect(events.map(({ name }) => name)).toEqual([...before, 'error'])
  const last = events.at(-1) ?? { name: '', data: { type: '' } }
  expect(last.data).toEqual({
    type: 'error',
    error: { type, message: expect.stringMatching(/\w/) },
    request_id: response.headers.get('request-id'),
  })
  return last
}

const NAMES = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]

describe('an exception inside a stream', () => {
  test.each(Object.entries(IN_STREAM))('%s after some events is the last event', async (name, [, type]) => {
    fake.script({
      kind: 'exception',
      name: name as StreamExceptionName,
      message: 'in other words',
      after: 3,
      pace: 20,
    })
    // Claude Code tries an overload again, and gives up on a rate limit.
    const told = type === 'rate_limit_error' ? 'overloaded_error' : type
    const { data } = await expectBroken(await send(true), told, NAMES.slice(0, 3))
    expect(data).toMatchObject({ error: { message: 'in other words' } })
    expect(await row()).toMatchObject({
      status: 'failed_midstream',
      error_type: type,
      usage_source: 'partial',
      usage: { input: expect.any(Number), output: expect.any(Number) },
    })
    expect((await row()).usage.input).toBeGreaterThan(0)
  })

  test.each(Object.entries(IN_STREAM))(
    '%s before any event is an HTTP status',
    async (name, [status, type]) => {
      fake.script({
        kind: 'exception',
        name: name as StreamExceptionName,
        message: 'in other words',
        after: 0,
      })
      await expectRefusal(await send(true), status, type, AS_SENT)
      expect(await row()).toMatchObject({ status: 'refused', error_type: type })
    },
  )

  test.each<[string, Step]>([
    ['an exception', { kind: 'exception', name: 'internalServerException', after: 3 }],
    ['an error event', { kind: 'insert', after: 3, events: [MODEL_ERROR] }],
    ['a corrupt frame', { kind: 'corrupt', frame: 3, how: 'payload' }],
  ])('%s in one piece with the events before it does not swallow them', async (_, step) => {
    fake.script({ ...step, merge: true })
    await expectBroken(await send(true), expect.stringMatching(/_error$/), NAMES.slice(0, 3))
    expect(await row()).toMatchObject({ status: 'failed_midstream', usage_source: 'partial' })
  })

  test('an error frame, and an error event of the model itself, are errors too', async () => {
    fake.script({ kind: 'error', code: 'InternalFailure', message: 'it broke', after: 2, pace: 20 })
    const { data } = await expectBroken(await send(true), 'api_error', NAMES.slice(0, 2))
    expect(data).toMatchObject({ error: { message: 'it broke' } })
    fake.script({ kind: 'insert', after: 2, events: [MODEL_ERROR], pace: 20 })
    await expectBroken(await send(true), 'overloaded_error', NAMES.slice(0, 2))
  })
})

describe('a stream that is not whole', () => {
  const broken: [string, Step, number][] = [
    ['cut after three events', { kind: 'cut', events: 3 }, 3],
    ['cut before its end', { kind: 'cut', events: 5 }, 5],
    ['ended early, cleanly', { kind: 'end', events: 3 }, 3],
    ['ended before message_stop', { kind: 'end', events: 5 }, 5],
    ['ended in the middle of a frame', { kind: 'end', events: 3, middle: true }, 3],
    ['with a corrupt payload', { kind: 'corrupt', frame: 3, how: 'payload' }, 3],
    ['with a corrupt prelude', { kind: 'corrupt', frame: 3, how: 'prelude-crc' }, 3],
    ['with a corrupt checksum', { kind: 'corrupt', frame: 3, how: 'message-crc' }, 3],
    ['with an absurd length', { kind: 'corrupt', frame: 3, how: 'length' }, 3],
    [
      'with an event that is no JSON',
      { kind: 'insert', after: 3, events: [], frames: [chunkFrame('{"type"')] },
      3,
    ],
  ]
  test.each(broken)('%s: one error, no message_stop, and the spend so far', async (_, step, before) => {
    fake.script({ ...step, pace: 20 })
    await expectBroken(await send(true), 'api_error', NAMES.slice(0, before))
    const { usage, ...rest } = await row()
    const usage_source = before === 5 ? 'final' : 'partial'
    expect(rest).toMatchObject({ status: 'failed_midstream', error_type: 'api_error', usage_source })
    expect(usage.input).toBeGreaterThan(0)
    expect(usage.output).toBeGreaterThan(0)
  })

  test.each([
    ['cut', { kind: 'cut', bytes: 20 } as const],
    ['ended', { kind: 'end', events: 0 } as const],
  ])('an answer in one piece that is %s is a failure, not half an answer', async (_, step) => {
    fake.script(step)
    await expectRefusal(await send(false), 500, 'api_error', /\w/)
    expect(await row()).toMatchObject({ status: 'refused', error_type: 'api_error' })
  })
})

test('what Bedrock may add one day does no harm: events, frames and fields that nobody knows', async () => {
  const frames = [strangeFrame('metadata', { new: true })]
  fake.script({ kind: 'insert', after: 2, events: [{ type: 'new_kind', at: 1 }, { no: 'type' }], frames })
  const events = eventsIn(await (await send(true)).text())
  expect(events.map(({ name }) => name)).toEqual([...NAMES.slice(0, 2), 'new_kind', ...NAMES.slice(2)])
  expect(await row()).toMatchObject({ status: 'succeeded', usage_source: 'final' })
})
