/** Amazon SNS, with the gateway's own credentials. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
import type { Settings } from '../protocol/settings.ts'
import { type Channel, ChannelError, type Lent, type Message } from './channel.ts'
import { payloadOf } from './payload.ts'
import { askAws } from './post.ts'
import { headline } from './words.ts'

/** A topic says where it is. */
const TOPIC = /^arn:aws[a-z-]*:sns:([a-z]{2,4}(?:-[a-z]+)+-\d+):\d{12}:[\w-]{1,256}(\.fifo)?$/
const LONGEST_SUBJECT = 99

export const sns = {
  kind: 'sns',
  label: 'Amazon SNS',
  fields: [
    {
      name: 'topicArn',
      label: 'Topic',
      required: true,
      hint: 'arn:aws:sns:us-east-1:123456789012:outcrop',
    },
  ],
  wrong: ({ topicArn = '' }) =>
    TOPIC.test(topicArn) ? undefined : { field: 'topicArn', must: 'be the ARN of an SNS topic' },
  deliver,
} satisfies Channel

async function deliver(message: Message, settings: Settings, lent: Lent): Promise<void> {
  const topic = settings['topicArn'] ?? ''
  const [, region, fifo] = TOPIC.exec(topic) ?? []
  if (region === undefined) throw new ChannelError('settings')
  const form = new URLSearchParams({
    Action: 'Publish',
    Version: '2010-03-31',
    TopicArn: topic,
    Subject: headline(message, LONGEST_SUBJECT).replaceAll(/[^\x20-\x7e]/gu, '?'),
    Message: JSON.stringify(payloadOf(message), null, 2),
    ...attribute(1, 'kind', message.kind),
    ...attribute(2, 'severity', message.severity),
    // One that comes again within five minutes is dropped there.
    ...(fifo ? { MessageGroupId: 'outcrop', MessageDeduplicationId: message.id } : {}),
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  await askAws({ service: 'sns', region, path: '/', headers, body: form.toString() }, lent)
}

/** What subscriptions can filter by. */
function attribute(place: number, name: string, value: string): Record<string, string> {
  const entry = `MessageAttributes.entry.${place}`
  return {
    [`${entry}.Name`]: name,
    [`${entry}.Value.DataType`]: 'String',
    [`${entry}.Value.StringValue`]: value,
  }
}
