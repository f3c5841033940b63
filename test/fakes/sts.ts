/**
 * A fake Security Token Service of one region: it recomputes signatures, judges roles, external ids, tags and tokens, and
 * answers in XML. What it issued signs requests to the fake Bedrock, until it expires.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type InboxAnswer, type Posted, startInbox } from './inbox.ts'
import { type Credentials, verify } from './signature.ts'

export interface FakeRole {
  arn: string
  /** ARNs of whom it lets in. */
  trusts?: readonly string[]
  externalId?: string
  /** Tokens of an identity provider that it lets in; the value says that one has expired. */
  tokens?: Readonly<Record<string, 'good' | 'expired'>>
  /** Whether its sessions may be tagged. */
  tagged?: boolean
  mostSeconds?: number
}

export interface Issued {
  credentials: Credentials
  expiresAt: number
  role: string
  sessionName: string
  tags: Record<string, string>
}

export interface AskedSts {
  at: number
  action: string
  form: Record<string, string>
  /** Empty where it was let in. */
  refusal: string
}

/** What becomes of a request instead of what is due to it. */
export interface StsStep {
  /** Milliseconds before it is answered. */
  delay?: number
  /** It is not answered but so. */
  answer?: InboxAnswer
  /** Refused in AWS's form. */
  refuse?: { status?: number; code: string; message?: string }
}

export interface FakeSts {
  /** For AWS_ENDPOINT_URL_STS. */
  url: string
  region: string
  asked: AskedSts[]
  /** For a fake Bedrock. */
  issued(accessKeyId: string): Issued | undefined
  /** How each request from now on is met. */
  behave(behaviour: (ask: AskedSts, number: number) => StsStep | undefined): void
  close(): Promise<void>
}

export interface FakeStsOptions {
  region?: string
  /** Who there is, by ARN. */
  identities?: Readonly<Record<string, Credentials>>
  roles?: readonly FakeRole[]
  /** Instead of what is asked for, in milliseconds. */
  lives?: number
  now?: () => number
}

interface No {
  status?: number
  code: string
  message: string
}

const PACKED = 2_048

export async function startFakeSts(options: FakeStsOptions = {}): Promise<FakeSts> {
  const { region = 'us-east-1', now = Date.now } = options
  const asked: AskedSts[] = []
  const issued = new Map<string, Issued>()
  let behaviour: Parameters<FakeSts['behave']>[0] = () => undefined

  async function answer(posted: Posted): Promise<InboxAnswer> {
    const form = Object.fromEntries(new URLSearchParams(posted.body))
    const ask: AskedSts = { at: now(), action: form['Action'] ?? '', form, refusal: '' }
    asked.push(ask)
    const step = behaviour(ask, asked.length)
    if (step?.delay !== undefined) await sleep(step.delay)
    if (step?.answer) return step.answer
    const no = step?.refuse ?? (await misgiving(posted, form, { ...options, region, now, issued }))
    if (no) {
      ask.refusal = no.code
      return errorXml({ message: 'It was refused.', ...no })
    }
    return issue(form, options, now(), issued)
  }

  const inbox = await startInbox(answer)
  return {
    url: inbox.url,
    region,
    asked,
    issued: (accessKeyId) => issued.get(accessKeyId),
    behave(next) {
      behaviour = next
    },
    close: inbox.close,
  }
}

type Form = Readonly<Record<string, string>>
type Desk = FakeStsOptions & { region: string; now(): number; issued: ReadonlyMap<string, Issued> }

async function misgiving(posted: Posted, form: Form, desk: Desk): Promise<No | undefined> {
  const { Action: action = '', RoleArn: arn = '', RoleSessionName: name = '' } = form
  if (form['Version'] !== '2011-06-15')
    return { status: 400, code: 'InvalidAction', message: 'no such version' }
  if (!/^[\w+=,.@-]{2,64}$/.test(name))
    return { status: 400, code: 'ValidationError', message: `Member must satisfy: roleSessionName ${name}` }
  const role = desk.roles?.find((each) => each.arn === arn)
  const seconds = Number(form['DurationSeconds'] ?? 3_600)
  const tooLong = seconds > (role?.mostSeconds ?? 3_600)
  const long = {
    status: 400,
    code: 'ValidationError',
    message: 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
  }
  if (action === 'AssumeRoleWithWebIdentity') return tokenNo(form, role) ?? (tooLong ? long : undefined)
  if (action !== 'AssumeRole') return { status: 400, code: 'InvalidAction', message: action }
  const caller = await callerOf(posted, desk)
  if (typeof caller !== 'string') return caller
  return roleNo(caller, form, role) ?? (tooLong ? long : undefined)
}

function tokenNo({ WebIdentityToken: token = '' }: Form, role: FakeRole | undefined): No | undefined {
  const standing = role?.tokens?.[token]
  if (standing === 'good') return undefined
  if (standing === 'expired')
    return { status: 400, code: 'ExpiredTokenException', message: 'Token expired: current date/time' }
  return { code: 'AccessDenied', message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity' }
}

/** The ARN of whoever signed it. */
async function callerOf({ method, path, headers, bytes }: Posted, desk: Desk): Promise<string | No> {
  const [, keyId = ''] = /Credential=([^/]+)\//.exec(headers.authorization ?? '') ?? []
  const known = Object.entries(desk.identities ?? {}).find(([, each]) => each.accessKeyId === keyId)
  const session = desk.issued.get(keyId)
  if (session && session.expiresAt <= desk.now())
    return { code: 'ExpiredToken', message: 'The security token included in the request is expired' }
  const credentials = session?.credentials ?? known?.[1]
  const strange = {
    code: 'InvalidClientTokenId',
    message: 'The security token included in the request is invalid.',
  }
  if (!credentials) return strange
  const no = await verify(
    { method, target: path, headers, bytes },
    {
      credentials,
      apiKey: undefined,
      expired: new Set(),
      region: desk.region,
      service: 'sts',
      now: desk.now(),
      lenient: true,
    },
  )
  if (no) return { code: 'SignatureDoesNotMatch', message: no.message }
  return session?.role ?? known?.[0] ?? ''
}

function roleNo(caller: string, form: Form, role: FakeRole | undefined): No | undefined {
  const denied = (action: string) => ({
    code: 'AccessDenied',
    message: `User: ${caller} is not authorized to perform: ${action} on resource: ${form['RoleArn']}`,
  })
  if (!role?.trusts?.includes(caller)) return denied('sts:AssumeRole')
  if (role.externalId !== undefined && role.externalId !== form['ExternalId']) return denied('sts:AssumeRole')
  const tags = tagsIn(form)
  if (Object.keys(tags).length > 0 && role.tagged === false) return denied('sts:TagSession')
  const bad = Object.entries(tags)
    .flat()
    .find((text) => !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u.test(text))
  if (bad !== undefined) return { status: 400, code: 'ValidationError', message: `tags: ${bad}` }
  if (JSON.stringify(tags).length <= PACKED) return undefined
  return { status: 400, code: 'PackedPolicyTooLarge', message: 'Packed size of session tags consumes 110%' }
}

function tagsIn(form: Form): Record<string, string> {
  const tags: Record<string, string> = {}
  for (let place = 1; ; place++) {
    const name = form[`Tags.member.${place}.Key`]
    if (name === undefined) return tags
    tags[name] = form[`Tags.member.${place}.Value`] ?? ''
  }
}

function issue(form: Form, { lives }: FakeStsOptions, now: number, issued: Map<string, Issued>): InboxAnswer {
  const number = String(issued.size + 1).padStart(12, '0')
  const credentials = {
    accessKeyId: `ASIA${number}`,
    secretAccessKey: `secret-of-session-${number}/+=`,
    sessionToken: `token-of-session-${number}&<"+/=`,
  }
  // As AWS writes it, in whole seconds; where a test wants less, exactly.
  const until = now + (lives ?? Number(form['DurationSeconds'] ?? 3_600) * 1_000)
  const text =
    lives === undefined ? new Date(until).toISOString().replace(/\.\d{3}/, '') : new Date(until).toISOString()
  const { Action: action = '', RoleArn: role = '', RoleSessionName: sessionName = '' } = form
  issued.set(credentials.accessKeyId, {
    credentials,
    expiresAt: Date.parse(text),
    role,
    sessionName,
    tags: tagsIn(form),
  })
  const body = `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <${action}Result>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:${escaped(sessionName)}</AssumedRoleId>
      <Arn>${escaped(role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/'))}/${escaped(sessionName)}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${credentials.accessKeyId}</AccessKeyId>
      <SecretAccessKey>${escaped(credentials.secretAccessKey)}</SecretAccessKey>
      <SessionToken>${escaped(credentials.sessionToken)}</SessionToken>
      <Expiration>${text}</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </${action}Result>
  <ResponseMetadata>
    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
  </ResponseMetadata>
</${action}Response>
`
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}

function errorXml({ status = 403, code, message }: No): InboxAnswer {
  const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>${code}</Code>
    <Message>${escaped(message)}</Message>
  </Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>
`
  return { status, headers: { 'content-type': 'text/xml' }, body }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
