/** Amazon EventBridge, with the gateway's own credentials. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
import type { Settings } from '../protocol/settings.ts'
import { type Channel, ChannelError, type Lent, type Message } from './channel.ts'
import { payloadOf } from './payload.ts'
import { askAws, codeIn } from './post.ts'

const BUS = /^arn:aws[a-z-]*:events:([a-z]{2,4}(?:-[a-z]+)+-\d+):\d{12}:event-bus\/[\w./-]{1,256}$/

export const eventbridge = {
  kind: 'eventbridge',
  label: 'Amazon EventBridge',
  fields: [
    {
      name: 'busArn',
      label: 'Event bus',
      required: true,
      hint: 'arn:aws:events:us-east-1:123456789012:event-bus/default',
    },
  ],
  wrong: ({ busArn = '' }) =>
    BUS.test(busArn) ? undefined : { field: 'busArn', must: 'be the ARN of an event bus' },
  deliver,
} satisfies Channel

async function deliver(message: Message, settings: Settings, lent: Lent): Promise<void> {
  const bus = settings['busArn'] ?? ''
  const [, region] = BUS.exec(bus) ?? []
  if (region === undefined) throw new ChannelError('settings')
  const entry = {
    Source: 'outcrop',
    DetailType: message.kind,
    Detail: JSON.stringify(payloadOf(message)),
    EventBusName: bus,
    Time: Date.parse(message.createdAt) / 1_000,
  }
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'AWSEvents.PutEvents',
  }
  const body = JSON.stringify({ Entries: [entry] })
  const answer = await askAws({ service: 'events', region, path: '/', headers, body }, lent)
  // It answers 200 to what it did not take.
  if (!/"FailedEntryCount"\s*:\s*0\b/.test(answer)) throw new ChannelError(codeIn(answer) ?? 'not_taken')
}
