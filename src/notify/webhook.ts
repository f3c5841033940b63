/**
 * A POST to an address of one's own, signed the way of Standard Webhooks, for which there are libraries in every
 * language. Its time is signed with it: who refuses what is older than five minutes cannot be played an old one.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 *     webhook-id: notice_…
 *     webhook-timestamp: 1795176000
 *     webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">
 */
import { fromBase64, toBase64 } from '../protocol/base64.ts'
import type { Settings } from '../protocol/settings.ts'
import { bytesOf, type Channel, ChannelError, type Lent, type Message } from './channel.ts'
import { payloadOf } from './payload.ts'
import { post } from './post.ts'

/** Of the secret, decoded. */
const [SHORTEST, LONGEST] = [24, 64]

export const webhook = {
  kind: 'webhook',
  label: 'Webhook',
  fields: [
    { name: 'url', label: 'Address', required: true, url: true, hint: 'https://example.com/notices' },
    { name: 'secret', label: 'Signing secret', required: true, secret: true, hint: 'whsec_… in base64' },
  ],
  wrong(settings) {
    if (keyIn(settings)) return undefined
    return {
      field: 'secret',
      must: `be whsec_ and ${SHORTEST} to ${LONGEST} bytes in base64 (try: echo whsec_$(openssl rand -base64 32))`,
    }
  },
  deliver,
} satisfies Channel

async function deliver(message: Message, settings: Settings, lent: Lent): Promise<void> {
  const key = keyIn(settings)
  if (!key) throw new ChannelError('settings')
  const body = JSON.stringify(payloadOf(message))
  const at = String(Math.floor(lent.now() / 1_000))
  const signature = toBase64(await lent.hashes.hmac(key, `${message.id}.${at}.${body}`))
  const headers = {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': at,
    'webhook-signature': `v1,${signature}`,
  }
  await post(settings['url'] ?? '', headers, body, lent)
}

function keyIn(settings: Settings) {
  const [, text] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(settings['secret'] ?? '') ?? []
  if (text === undefined || text.replace(/=+$/, '').length % 4 === 1) return undefined
  const bytes = bytesOf(text)
  const key = fromBase64(bytes, 0, bytes.length)
  return key.length >= SHORTEST && key.length <= LONGEST ? key : undefined
}
