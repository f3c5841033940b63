/** Channels that post to an address of one's own: what arrives there, and what is made of the answer. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Inbox, type Posted, startInbox } from '../fakes/inbox.ts'
import { MESSAGE, reachingRuntime, SECRET, sendThrough } from './sending.ts'

let inbox: Inbox
beforeAll(async () => {
  inbox = await startInbox()
})
beforeEach(() => {
  inbox.posted.length = 0
  inbox.answer(() => ({ status: 200, body: 'ok' }))
})
afterAll(() => inbox.close())

function only(): Posted {
  const [one, ...more] = inbox.posted
  if (!one || more.length > 0) throw new Error(`${inbox.posted.length} arrived`)
  return one
}

describe('a webhook', () => {
  type Verify = (headers: object, body: string, secret: string, now?: number) => unknown
  let noticeIn: Verify
  let folder: string
  beforeAll(async () => {
    const page = await readFile(new URL('../../docs/notices.md', import.meta.url), 'utf8')
    const [, snippet = ''] = /```js\n(.*?)```/s.exec(page) ?? []
    folder = await mkdtemp(join(tmpdir(), 'outcrop-snippet-'))
    await writeFile(join(folder, 'verify.mjs'), snippet)
    noticeIn = ((await import(join(folder, 'verify.mjs'))) as { noticeIn: Verify }).noticeIn
  })
  afterAll(() => rm(folder, { recursive: true }))

  const send = (changes = {}) =>
    sendThrough(reachingRuntime(changes), 'webhook', { url: `${inbox.url}/hook?a=b`, secret: SECRET })

  test('gets the notice, signed so that the code in the documentation takes it', async () => {
    expect(await send()).toBeUndefined()
    const { method, path, headers, body } = only()
    expect([method, path, headers['content-type'], headers['user-agent']]).toEqual([
      'POST',
      '/hook?a=b',
      'application/json',
      'Outcrop',
    ])
    expect(headers['webhook-id']).toBe(MESSAGE.id)
    const { createdAt, ...rest } = MESSAGE
    expect(noticeIn(headers, body, SECRET)).toEqual({
      source: 'outcrop',
      version: 1,
      ...rest,
      created_at: createdAt,
    })
  })

  test('can refuse one that is old, changed, or signed by somebody else', async () => {
    await send()
    const { headers, body } = only()
    const later = Date.now() + 301_000
    expect(() => noticeIn(headers, body, SECRET, later)).toThrow('long ago')
    expect(() => noticeIn({ ...headers, 'webhook-timestamp': 'x' }, body, SECRET)).toThrow('long ago')
    const renewed = { ...headers, 'webhook-timestamp': String(Math.floor(later / 1_000)) }
    expect(() => noticeIn(renewed, body, SECRET, later)).toThrow('not signed')
    expect(() => noticeIn({ ...headers, 'webhook-id': 'notice_2' }, body, SECRET)).toThrow('not signed')
    expect(() => noticeIn(headers, body.replace('warning', 'info'), SECRET)).toThrow('not signed')
    expect(() => noticeIn(headers, body, `whsec_${btoa('another secret of some length')}`)).toThrow(
      'not signed',
    )
    expect(() => noticeIn({}, body, SECRET)).toThrow()
  })

  test.each([
    [204, undefined],
    [299, undefined],
    [302, 'redirected'],
    [404, 'http_404'],
    [500, 'http_500'],
  ])('answering %i makes of it: %s, and nothing is followed', async (status, problem) => {
    inbox.answer(() => ({
      status,
      headers: { location: `${inbox.url}/elsewhere` },
      ...(status === 204 ? {} : { body: 'hunter2' }),
    }))
    expect(await send()).toBe(problem)
    expect(inbox.posted).toHaveLength(1)
  })

  test('that answers without end is not listened to', async () => {
    inbox.answer(() => ({ status: 200, body: 'x'.repeat(1_000_001) }))
    expect(await send()).toBe('too_large')
  })

  test('that is not there, or may not be reached, is a problem in a word', async () => {
    const at = (url: string, changes = {}) =>
      sendThrough(reachingRuntime(changes), 'webhook', { url, secret: SECRET })
    const closed = await startInbox()
    await closed.close()
    expect(await at(closed.url)).toBe('unreachable')
    expect(await at('https://169.254.169.254/latest/meta-data')).toBe('refused')
    expect(await at('https://10.0.0.1/')).toBe('refused')
    expect(await at('http://metadata.internal/')).toBe('refused')
    const { egress } = reachingRuntime()
    expect(await at(inbox.url, { egress: { ...egress, loopback: false } })).toBe('refused')
    expect(inbox.posted).toEqual([])
  })

  test.each(['', 'hunter2', 'whsec_', `whsec_${btoa('too short')}`, 'whsec_%%%%', `whsec_${'A'.repeat(33)}`])(
    'with the secret %j is not taken',
    async (secret) => {
      const settings = { url: inbox.url, secret }
      await expect(sendThrough(reachingRuntime(), 'webhook', settings)).rejects.toThrow(/settings.secret: /)
    },
  )
})

describe('Slack', () => {
  const send = () => sendThrough(reachingRuntime(), 'slack', { url: `${inbox.url}/services/T0/B0/x` })

  test('gets one line, the figures and where they are from; a name in them calls nobody', async () => {
    expect(await send()).toBeUndefined()
    const { path, body } = only()
    expect(path).toBe('/services/T0/B0/x')
    const line = "[warning] The key 'Zoë <!channel> & more' expires within a day."
    expect(JSON.parse(body)).toEqual({
      text: "[warning] The key 'Zoë &lt;!channel&gt; &amp; more' expires within a day.",
      blocks: [
        { type: 'section', text: { type: 'plain_text', text: line, emoji: false } },
        {
          type: 'section',
          text: { type: 'plain_text', text: 'key: key_1\nuser: none\nleft: 1', emoji: false },
        },
        {
          type: 'context',
          elements: [{ type: 'plain_text', text: 'key_expiring · team_1 · notice_1', emoji: false }],
        },
      ],
    })
  })

  test('gets no more than it takes, and nothing where there is nothing', async () => {
    const long = { ...MESSAGE, sentence: '😀'.repeat(3_000), detail: {}, team: null }
    await sendThrough(reachingRuntime(), 'slack', { url: inbox.url }, long)
    const { blocks } = JSON.parse(only().body) as { blocks: { text?: { text: string } }[] }
    expect(blocks).toHaveLength(2)
    const text = blocks[0]?.text?.text ?? ''
    expect(text.length).toBeLessThanOrEqual(3_000)
    expect(text).toMatch(/^\[warning\] (?:😀)+…$/u)
  })

  test('that says when to come again is a problem with its status', async () => {
    inbox.answer(() => ({ status: 429, headers: { 'retry-after': '30' }, body: 'rate_limited' }))
    expect(await send()).toBe('http_429')
  })
})
