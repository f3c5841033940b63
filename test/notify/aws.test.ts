/** Channels on AWS: signed as AWS's own signer signs, and refused in its words, of which only the name is kept. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { keptCredentials, signedPost } from '../../src/aws.ts'
import { startFakeAws } from '../fakes/awsinbox.ts'
import type { Inbox } from '../fakes/inbox.ts'
import { MESSAGE, reachingRuntime, sendThrough } from './sending.ts'

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a token' }
const REGION = 'eu-central-1'
const place = { region: REGION, credentials: CREDENTIALS, now: Date.now }

let [sns, events, ses]: Inbox[] = []
beforeAll(async () => {
  ;[sns, events, ses] = await Promise.all([
    startFakeAws('sns', place),
    startFakeAws('events', place),
    startFakeAws('ses', place),
  ])
})
beforeEach(() => {
  for (const each of [sns, events, ses]) each?.posted.splice(0)
})
afterAll(() => Promise.all([sns?.close(), events?.close(), ses?.close()]))

function runtimeWith(
  credentials: { accessKeyId: string; secretAccessKey: string } | { bearer: string } = CREDENTIALS,
) {
  return reachingRuntime({
    credentials: keptCredentials(async () => ({ ...credentials }), Date.now),
    env: {
      AWS_ENDPOINT_URL_SNS: `${sns?.url}/`,
      AWS_ENDPOINT_URL_EVENTBRIDGE: events?.url ?? '',
      AWS_ENDPOINT_URL_SESV2: ses?.url ?? '',
    },
  })
}

const TOPIC = `arn:aws:sns:${REGION}:123456789012:outcrop`
const BUS = `arn:aws:events:${REGION}:123456789012:event-bus/default`
const EMAIL = { region: REGION, from: 'Outcrop <gateway@example.com>', to: 'a@example.com, b@example.com' }
const PAYLOAD = {
  source: 'outcrop',
  version: 1,
  id: 'notice_1',
  kind: 'key_expiring',
  created_at: MESSAGE.createdAt,
}

describe('SNS', () => {
  test('gets the notice, with a subject it takes and attributes to filter by', async () => {
    expect(await sendThrough(runtimeWith(), 'sns', { topicArn: TOPIC })).toBeUndefined()
    const form = new URLSearchParams(sns?.posted[0]?.body)
    expect(JSON.parse(form.get('Message') ?? '')).toMatchObject(PAYLOAD)
    expect(form.get('Subject')).toBe("[warning] The key 'Zo? <!channel> & more' expires within a day.")
    expect(form.get('MessageAttributes.entry.2.Value.StringValue')).toBe('warning')
    expect(form.has('MessageDeduplicationId')).toBe(false)
    const long = { ...MESSAGE, sentence: 'é'.repeat(300) }
    expect(await sendThrough(runtimeWith(), 'sns', { topicArn: TOPIC }, long)).toBeUndefined()
  })

  test('drops what comes twice on a FIFO topic', async () => {
    expect(await sendThrough(runtimeWith(), 'sns', { topicArn: `${TOPIC}.fifo` })).toBeUndefined()
    expect(new URLSearchParams(sns?.posted[0]?.body).get('MessageDeduplicationId')).toBe('notice_1')
  })

  test('is told of by the name of its error alone', async () => {
    expect(await sendThrough(runtimeWith(), 'sns', { topicArn: TOPIC.replace(/outcrop$/, 'missing') })).toBe(
      'NotFound',
    )
  })
})

describe('EventBridge', () => {
  test('gets the notice as an event', async () => {
    expect(await sendThrough(runtimeWith(), 'eventbridge', { busArn: BUS })).toBeUndefined()
    const [entry] = JSON.parse(events?.posted[0]?.body ?? '').Entries
    expect(entry).toMatchObject({
      Source: 'outcrop',
      DetailType: 'key_expiring',
      EventBusName: BUS,
      Time: Date.parse(MESSAGE.createdAt) / 1_000,
    })
    expect(JSON.parse(entry.Detail)).toMatchObject(PAYLOAD)
  })

  test('that did not take it, with status 200, is a failure', async () => {
    const busArn = BUS.replace(/default$/, 'missing')
    expect(await sendThrough(runtimeWith(), 'eventbridge', { busArn })).toBe('NotAuthorizedForEventBus')
  })
})

describe('e-mail through SES', () => {
  test('is a letter with the sentence, the figures and where it is from', async () => {
    expect(await sendThrough(runtimeWith(), 'email', { ...EMAIL, configurationSet: 'ours' })).toBeUndefined()
    const sent = JSON.parse(ses?.posted[0]?.body ?? '')
    expect(sent).toMatchObject({
      FromEmailAddress: 'Outcrop <gateway@example.com>',
      Destination: { ToAddresses: ['a@example.com', 'b@example.com'] },
      ConfigurationSetName: 'ours',
    })
    const { Subject, Body } = sent.Content.Simple
    expect(Subject.Data).toBe("[warning] The key 'Zoë <!channel> & more' expires within a day.")
    expect(Body.Text.Data).toBe(
      "The key 'Zoë <!channel> & more' expires within a day.\n\nkey: key_1\nuser: none\nleft: 1\n\n" +
        'notice: notice_1\nkind: key_expiring\nteam: team_1\nat: 2026-11-20T12:00:00.000Z\n',
    )
  })

  test('from nobody it knows is refused by name', async () => {
    expect(await sendThrough(runtimeWith(), 'email', { ...EMAIL, from: 'unverified@example.com' })).toBe(
      'MessageRejected',
    )
  })
})

describe.each([
  ['sns', { topicArn: TOPIC }],
  ['eventbridge', { busArn: BUS }],
  ['email', EMAIL],
])('%s', (kind, settings) => {
  test('does not take another secret, and the gateway asks for its keys anew', async () => {
    const runtime = runtimeWith({ ...CREDENTIALS, secretAccessKey: 'another' })
    const before = await runtime.credentials.aws.get()
    expect(await sendThrough(runtime, kind, settings)).toBe('InvalidSignatureException')
    expect(await runtime.credentials.aws.get()).not.toBe(before)
  })

  test('is not for a Bedrock API key', async () => {
    expect(await sendThrough(runtimeWith({ bearer: 'hunter2' }), kind, settings)).toBe('no_credentials')
  })
})

test.each([
  ['sns', { topicArn: 'arn:aws:sns:evil.example/:123456789012:x' }, 'topicArn'],
  ['sns', { topicArn: 'arn:aws:sqs:us-east-1:123456789012:x' }, 'topicArn'],
  ['eventbridge', { busArn: 'default' }, 'busArn'],
  ['email', { ...EMAIL, region: 'us-east-1.evil.example' }, 'region'],
  ['email', { ...EMAIL, from: 'a@example.com\r\nbcc: b@example.com' }, 'from'],
  ['email', { ...EMAIL, to: 'nobody' }, 'to'],
  ['email', { ...EMAIL, to: Array.from({ length: 51 }, () => 'a@example.com').join() }, 'to'],
  ['email', { ...EMAIL, configurationSet: 'a b' }, 'configurationSet'],
])('%s with %j is not taken', async (kind, settings, field) => {
  await expect(sendThrough(runtimeWith(), kind, settings)).rejects.toThrow(
    `settings.${field}: Input should be`,
  )
})

test.each([
  ['sns', 'us-east-1', false, 'https://sns.us-east-1.amazonaws.com/'],
  ['sns', 'us-east-1', true, 'https://sns-fips.us-east-1.amazonaws.com/'],
  ['sns', 'us-gov-west-1', true, 'https://sns.us-gov-west-1.amazonaws.com/'],
  ['events', 'cn-north-1', false, 'https://events.cn-north-1.amazonaws.com.cn/'],
  ['events', 'us-gov-east-1', true, 'https://events.us-gov-east-1.amazonaws.com/'],
  ['email', 'us-gov-west-1', true, 'https://email-fips.us-gov-west-1.amazonaws.com/'],
] as const)('%s in %s, FIPS %s, is at %s', async (service, region, fips, url) => {
  const ask = { service, region, path: '/', headers: {}, body: '', now: Date.now() }
  const signed = await signedPost(ask, CREDENTIALS, { overrides: {}, fips })
  expect(signed.url).toBe(url)
})
