/** Every fault a script can ask for happens where the script says, and the request after it is answered again. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FakeBedrock, type Step, startFakeBedrock } from './bedrock.ts'
import { decodeFrame, hear, post, said, stream, verdict } from './caller.ts'
import { strangeFrame } from './frames.ts'
import { EXCEPTIONS, type ExceptionName, STREAM_EXCEPTIONS, type StreamExceptionName } from './refusal.ts'
import { answer, refuseWith, say, slow, throttle } from './steps.ts'

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock()
})
beforeEach(() => fake.reset())
afterAll(() => fake.close())

async function heardWith(step: Step) {
  fake.script(step)
  return hear(await stream(fake, said('!say one two three')))
}

const types = (heard: Awaited<ReturnType<typeof hear>>) => heard.events.map((event) => event['type'])
const WHOLE = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]

test('one step a request; then the brain again', async () => {
  fake.script(throttle(), say({ content: [{ type: 'text', text: 'scripted' }] }))
  expect(await verdict(await post(fake, said('hi')))).toBe(
    '429 ThrottlingException: Too many tokens, please wait before trying again.',
  )
  expect(await (await post(fake, said('hi'))).text()).toContain('scripted')
  expect(await (await post(fake, said('hi'))).text()).toContain('built-in fake Bedrock')
  expect(fake.seen.map(({ outcome, scripted }) => [outcome, scripted])).toEqual([
    ['refused', true],
    ['accepted', undefined],
    ['accepted', undefined],
  ])
})

test('a refused request takes no step', async () => {
  fake.script(throttle())
  expect(await verdict(await post(fake, said('hi', { model: 'x' })))).toMatch(/^400/)
  expect(await verdict(await post(fake, said('hi')))).toMatch(/^429/)
})

test('a step may wait for its operation', async () => {
  fake.script({ ...throttle(), on: 'invoke' })
  expect((await stream(fake, said('hi'))).status).toBe(200)
  expect((await post(fake, said('hi'))).status).toBe(429)
})

test.each(Object.keys(EXCEPTIONS) as ExceptionName[])('%s over HTTP', async (name) => {
  fake.script(refuseWith(name, 'in other words'))
  const { status } = EXCEPTIONS[name]
  expect(await verdict(await post(fake, said('hi')))).toBe(`${status} ${name}: in other words`)
})

test.each(Object.keys(STREAM_EXCEPTIONS) as StreamExceptionName[])('%s inside a stream', async (name) => {
  const heard = await heardWith({ kind: 'exception', name, after: 2 })
  expect(types(heard)).toEqual(WHOLE.slice(0, 2))
  expect(heard.frames.at(-1)?.headers).toMatchObject({
    ':message-type': 'exception',
    ':exception-type': name,
  })
  fake.script({ kind: 'exception', name, after: 0 })
  const type = STREAM_EXCEPTIONS[name]
  expect(await verdict(await post(fake, said('hi')))).toBe(
    `${EXCEPTIONS[type].status} ${type}: ${EXCEPTIONS[type].message}`,
  )
})

test('an error frame', async () => {
  const heard = await heardWith({ kind: 'error', code: 'InternalFailure', message: 'it broke', after: 1 })
  expect(types(heard)).toEqual(['message_start'])
  expect(heard.frames.at(-1)?.headers).toMatchObject({
    ':message-type': 'error',
    ':error-code': 'InternalFailure',
  })
})

test('a cut after events, after bytes: the socket breaks', async () => {
  const afterEvents = await heardWith({ kind: 'cut', events: 3 })
  expect(types(afterEvents)).toEqual(WHOLE.slice(0, 3))
  expect(afterEvents.broken).toBeDefined()
  const afterBytes = await heardWith({ kind: 'cut', bytes: 777 })
  expect(afterBytes).toMatchObject({ bytes: 777 })
  expect(afterBytes.broken).toBeDefined()
  expect(fake.seen.some(({ closedEarly }) => closedEarly)).toBe(false)
})

test('an early end: whole frames, no message_stop; or half a frame', async () => {
  const clean = await heardWith({ kind: 'end', events: 3 })
  expect(types(clean)).toEqual(WHOLE.slice(0, 3))
  expect(clean).toMatchObject({ left: 0 })
  expect(clean.broken).toBeUndefined()
  expect((await heardWith({ kind: 'end', events: 3, middle: true })).left).toBeGreaterThan(0)
})

test('a corrupt frame does not decode', async () => {
  for (const how of ['payload', 'prelude-crc', 'message-crc'] as const) {
    await expect(heardWith({ kind: 'corrupt', frame: 2, how })).rejects.toThrow(/checksum/)
  }
  const absurd = await heardWith({ kind: 'corrupt', frame: 2, how: 'length' })
  expect(types(absurd)).toEqual(WHOLE.slice(0, 2))
  expect(absurd.left).toBeGreaterThan(100)
})

test('split and merged writes carry the same bytes', async () => {
  const whole = await heardWith(answer())
  const split = await heardWith(answer({ split: 7 }))
  const merged = await heardWith(answer({ merge: true }))
  expect(types(whole)).toEqual(WHOLE)
  expect(split.events.slice(1, 4)).toEqual(whole.events.slice(1, 4))
  expect(split.pieces.length).toBeGreaterThan(whole.pieces.length)
  expect(merged.pieces.length).toBeLessThanOrEqual(2)
})

test('slow: the events come one by one', async () => {
  const started = Date.now()
  expect(types(await heardWith(slow(10)))).toEqual(WHOLE)
  expect(Date.now() - started).toBeGreaterThanOrEqual(45)
})

test('raw events, strange events and strange frames', async () => {
  const raw = await heardWith({ kind: 'events', events: [{ hello: 'no type' }, '{"type":"message_stop"}'] })
  expect(raw.events).toEqual([{ hello: 'no type' }, { type: 'message_stop' }])
  const frames = [strangeFrame('metadata', { new: true })]
  const more = await heardWith({ kind: 'insert', after: 1, events: [{ type: 'new_kind' }], frames })
  expect(types(more).slice(0, 3)).toEqual(['message_start', 'new_kind', 'content_block_start'])
  expect(more.frames[2]?.headers[':event-type']).toBe('metadata')
  expect(decodeFrame(strangeFrame('metadata', { new: true })).payload).toEqual({ new: true })
})

test('a stall before headers, for a while and for ever', async () => {
  const started = Date.now()
  expect(types(await heardWith({ kind: 'stall', at: 'before headers', ms: 30 }))).toEqual(WHOLE)
  expect(Date.now() - started).toBeGreaterThanOrEqual(28)
  fake.script({ kind: 'stall', at: 'before headers' })
  await expect(stream(fake, said('hi'), { signal: AbortSignal.timeout(50) })).rejects.toThrow()
})

test('a stall in a stream shows what came before; hanging up on it is written down', async () => {
  fake.script({ kind: 'stall', at: 2 })
  const hangUp = new AbortController()
  const response = await stream(fake, said('hi'), { signal: hangUp.signal })
  setTimeout(() => hangUp.abort(), 50)
  const heard = await hear(response)
  expect(types(heard)).toEqual(WHOLE.slice(0, 2))
  await expect.poll(() => fake.seen[0]?.closedEarly, { interval: 5, timeout: 1_000 }).toBe(true)
})

test('a JSON answer can be cut short too', async () => {
  fake.script({ kind: 'cut', bytes: 20 }, { kind: 'end', events: 0 })
  await expect((await post(fake, said('hi'))).text()).rejects.toThrow()
  await expect((await post(fake, said('hi'))).json()).rejects.toThrow(SyntaxError)
})
