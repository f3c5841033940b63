/**
 * Slack, and what takes the same (Mattermost, Discord behind /slack): an incoming webhook, whose address is the secret.
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 */
import type { Settings } from '../protocol/settings.ts'
import type { Channel, Lent, Message } from './channel.ts'
import { post } from './post.ts'
import { cut, figures, headline } from './words.ts'

/** Of a text in a block. */
const MOST = 3_000

export const slack = {
  kind: 'slack',
  label: 'Slack',
  fields: [
    {
      name: 'url',
      label: 'Incoming webhook',
      required: true,
      secret: true,
      url: true,
      hint: 'https://hooks.slack.com/services/…',
    },
  ],
  wrong: () => undefined,
  deliver,
} satisfies Channel

async function deliver(message: Message, settings: Settings, lent: Lent): Promise<void> {
  const line = headline(message, MOST)
  const foot = [message.kind, ...(message.team === null ? [] : [message.team]), message.id].join(' · ')
  const lines = figures(message).join('\n')
  const body = {
    text: escaped(line),
    blocks: [
      { type: 'section', text: plainText(line) },
      ...(lines === '' ? [] : [{ type: 'section', text: plainText(cut(lines, MOST)) }]),
      { type: 'context', elements: [plainText(foot)] },
    ],
  }
  await post(settings['url'] ?? '', { 'content-type': 'application/json' }, JSON.stringify(body), lent)
}

/** In which nothing is a link or calls anybody. */
function plainText(text: string) {
  return { type: 'plain_text', text, emoji: false } as const
}

/** A name like `<!channel>` must not call everybody. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
