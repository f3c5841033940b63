/**
 * SNS, EventBridge and SES, as far as a channel uses them: signatures are recomputed by AWS's own signer, and what the
 * service would not take is refused in its words.
 */
import { type InboxAnswer, type Posted, startInbox } from './inbox.ts'
import { type Credentials, verify } from './signature.ts'

type Service = 'sns' | 'events' | 'ses'

interface Place {
  region: string
  credentials: Credentials
  now(): number
}

/** An endpoint of that service in that region. */
export function startFakeAws(service: Service, place: Place) {
  return startInbox(async (posted) => (await misgiving(posted, service, place)) ?? TAKE[service](posted))
}

async function misgiving(posted: Posted, service: Service, place: Place): Promise<InboxAnswer | undefined> {
  const { method, path: target, headers, bytes } = posted
  const { region, credentials, now } = place
  const expected = {
    credentials,
    apiKey: undefined,
    expired: new Set<string>(),
    region,
    service,
    now: now(),
    lenient: false,
  }
  const refused = await verify({ method, target, headers, bytes }, expected)
  return refused && ERROR[service](403, refused.type)
}

const ERROR = { sns: xmlError, events: jsonError, ses: restError } as const

const TAKE: Readonly<Record<Service, (posted: Posted) => InboxAnswer>> = {
  sns: publish,
  events: putEvents,
  ses: sendEmail,
}

/** https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
function publish({ method, path, body }: Posted): InboxAnswer {
  const form = new URLSearchParams(body)
  if (
    method !== 'POST' ||
    path !== '/' ||
    form.get('Action') !== 'Publish' ||
    form.get('Version') !== '2010-03-31'
  )
    return xmlError(400, 'InvalidAction')
  const subject = form.get('Subject') ?? ''
  if (!/^[!-~][ -~]{0,98}$/.test(subject)) return xmlError(400, 'InvalidParameter')
  const isFifo = form.get('TopicArn')?.endsWith('.fifo')
  if (isFifo && !(form.get('MessageGroupId') && form.get('MessageDeduplicationId')))
    return xmlError(400, 'InvalidParameter')
  if (!form.get('Message')) return xmlError(400, 'InvalidParameter')
  if (form.get('TopicArn')?.endsWith(':missing')) return xmlError(404, 'NotFound')
  return {
    status: 200,
    body: '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
  }
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
function putEvents({ method, path, headers, body }: Posted): InboxAnswer {
  if (method !== 'POST' || path !== '/' || headers['x-amz-target'] !== 'AWSEvents.PutEvents')
    return jsonError(400, 'UnknownOperationException')
  if (headers['content-type'] !== 'application/x-amz-json-1.1')
    return jsonError(400, 'SerializationException')
  const [entry, more] = (JSON.parse(body) as { Entries: Record<string, unknown>[] }).Entries
  const isWhole =
    entry &&
    !more &&
    typeof entry['Source'] === 'string' &&
    typeof entry['DetailType'] === 'string' &&
    isJson(entry['Detail'])
  if (!isWhole || typeof entry['Time'] !== 'number') return jsonError(400, 'ValidationException')
  if (String(entry['EventBusName']).endsWith('/missing')) {
    const failed = {
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'NotAuthorizedForEventBus', ErrorMessage: 'hunter2' }],
    }
    return { status: 200, body: JSON.stringify(failed) }
  }
  return { status: 200, body: JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] }) }
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
function sendEmail({ method, path, body }: Posted): InboxAnswer {
  if (method !== 'POST' || path !== '/v2/email/outbound-emails') return restError(404, 'NotFoundException')
  const { FromEmailAddress: from, Destination: to, Content: content } = JSON.parse(body)
  if (
    !from ||
    !to?.ToAddresses?.length ||
    !content?.Simple?.Subject?.Data ||
    !content.Simple.Body?.Text?.Data
  )
    return restError(400, 'BadRequestException')
  if (String(from).includes('unverified')) return restError(400, 'MessageRejected')
  return { status: 200, body: JSON.stringify({ MessageId: '1' }) }
}

function isJson(text: unknown): boolean {
  return typeof text === 'string' && typeof JSON.parse(text) === 'object'
}

function xmlError(status: number, code: string): InboxAnswer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>hunter2</Message></Error>`
  return {
    status,
    body: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">${error}</ErrorResponse>`,
  }
}

function jsonError(status: number, type: string): InboxAnswer {
  return { status, body: JSON.stringify({ __type: `com.amazon.coral.service#${type}`, message: 'hunter2' }) }
}

/** A REST service has the name in a header. */
function restError(status: number, type: string): InboxAnswer {
  const headers = { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/` }
  return { status, headers, body: JSON.stringify({ message: 'hunter2' }) }
}
