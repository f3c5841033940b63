/**
 * Roles, taken on at AWS's Security Token Service: its query API, which answers in XML.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
import { type AwsKeys, sign } from '../aws.ts'
import { GatewayError } from '../errors.ts'
import { readCapped } from '../protocol/capped.ts'
import { codeOf } from '../protocol/codes.ts'
import { within } from '../protocol/deadline.ts'
import type { Hashes } from '../protocol/hashes.ts'
import type { Answer, Send } from '../protocol/send.ts'
import { readXml, textAt, type XmlElement } from '../protocol/xml.ts'
import type { AwsRole, Federated } from './role.ts'
import { adviceOn } from './stsadvice.ts'

export interface StsLent {
  fetch: Send
  now(): number
  hashes: Hashes
}

export interface Tag {
  name: string
  value: string
}

/** STS said no; `operator` says why, and what to do. */
export class StsError extends GatewayError {
  /** In AWS's words, such as `AccessDenied`; empty where it did not answer. */
  readonly code: string

  constructor(code: string, sentence: string, options: ConstructorParameters<typeof GatewayError>[2] = {}) {
    super('api_error', sentence, { fault: { name: 'credentials' }, ...options })
    this.name = 'StsError'
    this.code = code
  }
}

/** Keys of a session of the role, entered with `keys`. @throws StsError */
export function assumeRole(
  role: AwsRole,
  tags: readonly Tag[],
  keys: AwsKeys,
  lent: StsLent,
): Promise<AwsKeys> {
  const form = formOf('AssumeRole', role)
  if (role.externalId !== undefined) form.set('ExternalId', role.externalId)
  for (const [index, { name, value }] of tags.entries()) {
    form.set(`Tags.member.${index + 1}.Key`, name)
    form.set(`Tags.member.${index + 1}.Value`, value)
  }
  return ask(role, form, lent, keys)
}

/** The same, entered with a token of an identity provider. @throws StsError */
export function assumeWithToken(role: Federated, token: string, lent: StsLent): Promise<AwsKeys> {
  const form = formOf('AssumeRoleWithWebIdentity', role)
  form.set('WebIdentityToken', token)
  return ask(role, form, lent, undefined)
}

function formOf(action: string, { arn, sessionName, duration }: Federated): URLSearchParams {
  return new URLSearchParams({
    Action: action,
    Version: '2011-06-15',
    RoleArn: arn,
    RoleSessionName: sessionName,
    ...(duration === undefined ? {} : { DurationSeconds: String(duration) }),
  })
}

const PATIENCE = 10_000
const LONGEST_ANSWER = 64_000
const encoder = new TextEncoder()

async function ask(
  role: Federated,
  form: URLSearchParams,
  lent: StsLent,
  keys: AwsKeys | undefined,
): Promise<AwsKeys> {
  const url = `${role.endpoint}/`
  const body = encoder.encode(form.toString())
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/xml' }
  const asked = { method: 'POST', url, headers, body, region: role.region, now: lent.now() } as const
  const sent = keys ? await sign({ ...asked, service: 'sts' }, keys, lent.hashes) : headers
  const late = () => new Error(`no answer in ${PATIENCE} ms`)
  const deadline = { timeout: PATIENCE, signal: undefined, late, left: late }
  const answer = await within(deadline, async (signal) => {
    const response = await lent.fetch(url, {
      method: 'POST',
      headers: sent,
      body,
      signal,
      redirect: 'manual',
    })
    return { status: response.status, element: await elementIn(response) }
  }).catch((cause: unknown) => {
    throw away(cause, codeOf(cause) || (cause instanceof Error ? cause.message : 'no answer'))
  })
  const action = form.get('Action') ?? ''
  return answer.status === 200 ? keysIn(action, answer.element) : refused(role, action, answer)
}

/** Undefined for what is no XML, as proxies answer. */
async function elementIn(response: Answer): Promise<XmlElement | undefined> {
  if (!response.body) return undefined
  const tooLarge = () => new Error(`an answer of more than ${LONGEST_ANSWER} bytes`)
  const bytes = await readCapped(response.body, LONGEST_ANSWER, tooLarge)
  try {
    return readXml(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function keysIn(action: string, answer: XmlElement | undefined): AwsKeys {
  const said = (name: string) =>
    answer?.name === `${action}Response` ? textAt(answer, `${action}Result`, 'Credentials', name) : undefined
  const [accessKeyId, secretAccessKey, sessionToken] = [
    said('AccessKeyId'),
    said('SecretAccessKey'),
    said('SessionToken'),
  ]
  const expiresAt = Date.parse(said('Expiration') ?? '')
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAt))
    throw away(undefined, 'an answer without credentials')
  return { accessKeyId, secretAccessKey, sessionToken, expiresAt }
}

function refused(
  role: Federated,
  action: string,
  { status, element }: { status: number; element: XmlElement | undefined },
): never {
  const code = (element && textAt(element, 'Error', 'Code')) ?? ''
  const message = (element && textAt(element, 'Error', 'Message')) ?? ''
  if (code === '' || status >= 500 || /^(Throttling|RequestLimitExceeded|IDPCommunicationError)/.test(code))
    throw away(undefined, code || `status ${status}`)
  const advice = adviceOn({ action, code, message }, role)
  const sentence =
    'AWS did not let the gateway take on its role. Your key is fine: ask whoever runs this gateway.'
  throw new StsError(code, sentence, { retry: false, operator: advice })
}

/** It may work when it is asked again. */
function away(cause: unknown, why: string): StsError {
  const sentence = 'The gateway has no credentials of AWS at the moment: AWS did not give them.'
  return new StsError('', sentence, { cause, operator: `STS: ${why}` })
}
