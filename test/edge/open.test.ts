import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEdge } from '../../src/edge/open.ts'

const SECRET_KEY = 'only-for-tests-abcdefghijkl-0123456789'
const request = () => new Request('http://worker.test/v1/messages', { method: 'POST' })
const context = { waitUntil() {} }
const TICK = { cron: '* * * * *', scheduledTime: Date.UTC(2026, 10, 20, 12, 34) }

const written: string[] = []
const { log } = console
beforeEach(() => {
  console.log = (line: string) => void written.push(line)
})
afterEach(() => {
  console.log = log
  written.length = 0
})

test.each([
  [{}, /SECRET_KEY must be set, as a secret of the Worker/],
  [{ SECRET_KEY }, /HYPERDRIVE must be bound .*or DATABASE_URL be set/],
  [{ SECRET_KEY, DATABASE_URL: 'mysql://root:hunter2@db' }, /DATABASE_URL must start with postgres:/],
  [
    { SECRET_KEY: 'hunter2', HYPERDRIVE: { connectionString: 'postgres://x' } },
    /SECRET_KEY must have at least/,
  ],
])(
  'with %j it says what is missing, to who asks and in the log, and no secret',
  async (bindings, sentence) => {
    const edge = openEdge(() => new Response('never'))
    for (const _ of ['first', 'again']) {
      const answer = await edge.fetch(request(), bindings, context)
      expect([answer.status, answer.headers.get('x-should-retry')]).toEqual([500, 'false'])
      const text = await answer.text()
      expect(JSON.parse(text)).toMatchObject({
        type: 'error',
        error: { type: 'api_error', message: expect.stringMatching(sentence) },
      })
      expect(text + written.join()).not.toContain('hunter2')
    }
    expect(written.join()).toMatch(sentence)
    await expect(edge.byTheClock(TICK, bindings, context)).rejects.toThrow(sentence)
    await expect(edge.drain({ messages: [] }, bindings, context)).rejects.toThrow(sentence)
  },
)

test('what keeps the event alive is registered before anything is waited for', async () => {
  const kept: Promise<unknown>[] = []
  const edge = openEdge((_, runtime) => {
    runtime.waitUntil(Promise.reject(new Error('lost')))
    return new Response('answered')
  })
  // Nothing listens on port 1: the database is away.
  const bindings = { SECRET_KEY, HYPERDRIVE: { connectionString: 'postgres://u:p@127.0.0.1:1/d' } }
  const answer = edge.fetch(request(), bindings, { waitUntil: (work) => void kept.push(work) })
  expect(kept).toHaveLength(1)
  expect(await (await answer).text()).toBe('answered')
  await Promise.all(kept)
  expect(written.join()).toMatch(/background work failed/)
})

test('the state of one Worker is not that of another', async () => {
  const [first, second] = [openEdge(() => new Response('first')), openEdge(() => new Response('second'))]
  expect((await first.fetch(request(), {}, context)).status).toBe(500)
  const bindings = { SECRET_KEY, HYPERDRIVE: { connectionString: 'postgres://u:p@127.0.0.1:1/d' } }
  expect((await second.fetch(request(), bindings, context)).status).toBe(200)
})

test.each([
  ['* * * * *', 34, 'the minute'],
  ['* * * * *', 0, 'the hour'],
  ['7 * * * *', 7, 'the hour'],
])('the trigger %s at minute %i does what is due: that of %s', async (cron, minute, due) => {
  const edge = openEdge(() => new Response('never'))
  // Nothing listens on port 1: what is asked of the database fails, which shows that it was asked.
  const bindings = { SECRET_KEY, HYPERDRIVE: { connectionString: 'postgres://u:p@127.0.0.1:1/d' } }
  const tick = { cron, scheduledTime: Date.UTC(2026, 10, 20, 12, minute) }
  const done = await edge.byTheClock(tick, bindings, context).then(
    () => 'the minute',
    () => 'the hour',
  )
  expect(done).toBe(due)
  expect(written.join()).toContain('"job":"deliverDue"')
})
