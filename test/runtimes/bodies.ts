/** What is sent: large bodies, too large ones, and none at all. */
import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { thing, things } from '../fakes/json.ts'
import { expectRefusal, hello } from '../whole/caller.ts'
import type { Part } from './stage.ts'

const LIMIT = 25_000_000
const LARGE = 20_000_000

export const bodies: Part = (test, stage) => {
  test('a body of 20 MB reaches upstream with every byte of its words', async () => {
    const data = randomBytes((LARGE * 3) / 4).toString('base64')
    const source = { type: 'base64', media_type: 'application/pdf', data }
    const content = [
      { type: 'document', source },
      { type: 'text', text: 'What does it say?' },
    ]
    const response = await stage.send(hello({ messages: [{ role: 'user', content }] }))
    expect(response.status, await response.text()).toBe(200)
    const [message] = things(thing(stage.fake.seen[0]?.body)['messages'])
    expect(hashOf(message?.['content'])).toBe(hashOf(content))
  })

  test('a body over the limit is refused, the limit itself is not', async () => {
    const body = (length: number) => JSON.stringify(hello({ model: 'none' })).padEnd(length, ' ')
    await expectRefusal(
      await stage.send(body(LIMIT + 1)),
      413,
      'request_too_large',
      /exceeds the maximum size of 25000000 bytes/,
    )
    await expectRefusal(await stage.send(body(LIMIT)), 404, 'not_found_error', /'none' is not available/)
    expect(stage.fake.seen).toEqual([])
  })

  test('a body that is not JSON, or not a message, is refused by name', async () => {
    const bad: [string, RegExp][] = [
      ['{"model":', /not valid JSON \(at byte \d+\)/],
      ['', /body is empty/],
      ['[]', /must be a JSON object/],
      [JSON.stringify(hello({ messages: undefined })), /^messages: Field required/],
    ]
    for (const [body, sentence] of bad) {
      await expectRefusal(await stage.send(body), 400, 'invalid_request_error', sentence)
    }
  })
}

function hashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}
