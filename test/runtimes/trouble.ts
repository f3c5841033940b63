/** What the caller hears, and what the ledger says, when Bedrock refuses or breaks off. */
import { expect } from 'vitest'
import { thing } from '../fakes/json.ts'
import { throttle } from '../fakes/steps.ts'
import { eventsIn, expectRefusal, said } from '../whole/caller.ts'
import type { Part, Stage } from './stage.ts'

export const trouble: Part = (test, stage) => {
  test('throttled before the first byte: refused in the envelope, with retry-after, and a row', async () => {
    for (const stream of [true, false]) {
      stage.fake.script(throttle('Too many requests'))
      const response = await send(stage, stream)
      expect(response.headers.get('retry-after')).toBe('10')
      await expectRefusal(response, 429, 'rate_limit_error', /^Too many requests$/)
    }
    const refused = { status: 'refused', error_type: 'rate_limit_error', cost_nano: 0 }
    expect(await stage.gateway.settled(2, { key: stage.key.id })).toMatchObject([refused, refused])
  })

  test('throttled in mid-stream: an error event at the end, and the row is settled', async () => {
    const step = { kind: 'exception', name: 'throttlingException', message: 'Too many', after: 3 } as const
    stage.fake.script({ ...step, pace: 20 })
    // Claude Code tries an overload again, and gives up on a rate limit.
    expect(await brokenBy(stage, 'overloaded_error')).toBe('Too many')
    expect(await stage.row()).toMatchObject({ ...BROKEN, error_type: 'rate_limit_error' })
  })

  test('cut in mid-stream: the same', async () => {
    stage.fake.script({ kind: 'cut', events: 3, pace: 20 })
    await brokenBy(stage, 'api_error')
    const row = await stage.row()
    expect(row).toMatchObject({ ...BROKEN, error_type: 'api_error' })
    expect(row.usage.input).toBeGreaterThan(0)
  })

  test('ended early, or corrupt, in mid-stream: the same', async () => {
    stage.fake.script({ kind: 'end', events: 3, middle: true, pace: 20 })
    await brokenBy(stage, 'api_error')
    stage.fake.script({ kind: 'corrupt', frame: 3, how: 'payload', pace: 20 })
    await brokenBy(stage, 'api_error')
    const rows = await stage.gateway.settled(2, { key: stage.key.id })
    expect(rows).toMatchObject([BROKEN, BROKEN])
  })

  test('cut before an answer in one piece is whole: refused, not half an answer', async () => {
    stage.fake.script({ kind: 'cut', bytes: 20 })
    await expectRefusal(await send(stage, false), 500, 'api_error', /\w/)
    expect(await stage.row()).toMatchObject({ status: 'refused', error_type: 'api_error' })
  })
}

const BROKEN = { status: 'failed_midstream', usage_source: 'partial' }

function send(stage: Stage, stream: boolean): Promise<Response> {
  return stage.send(said('!say one two three', { stream }))
}

/** A stream of three whole events and one `error`, which carries the request id; gives its sentence. */
async function brokenBy(stage: Stage, type: string): Promise<unknown> {
  const response = await send(stage, true)
  expect(response.status).toBe(200)
  const events = eventsIn(await response.text())
  const names = ['message_start', 'content_block_start', 'content_block_delta', 'error']
  expect(events.map(({ name }) => name)).toEqual(names)
  const last = events[3]?.data
  expect(last).toEqual({
    type: 'error',
    error: { type, message: expect.stringMatching(/\w/) },
    request_id: response.headers.get('request-id'),
  })
  return thing(last?.['error'])['message']
}
