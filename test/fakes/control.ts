/**
 * Bedrock's control plane, and Service Quotas, of one account: lists in pages, refusals in AWS's words for whatever the
 * account may not do. Every signature is verified.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock.html
 */
import type { ServerResponse } from 'node:http'
import { findModel, MODELS, type Model, servesFrom } from './models.ts'
import { type Refusal, refusal } from './refusal.ts'
import { type Arrived, type Credentials, type Session, splitTarget, verify } from './signature.ts'

/** What an account is offered and allowed; all of it may be changed while the fake runs. */
export interface Account {
  /** Actions that are refused. */
  denied: Set<string>
  /** What takes the place of "because no identity-based policy allows …". */
  because: string | undefined
  /** Models that came out after the table was written, by base id. */
  launched: Model[]
  /** Profiles that are listed beside those of the table: of other makers, retired … */
  more: { id: string; status?: string; models?: string[] }[]
  /** Base ids that the account may not call, and what says so. */
  noAccess: Map<string, 'NOT_AUTHORIZED' | 'NOT_SUBSCRIBED'>
  /** Tokens a minute, by the names of quotas. */
  quotas: Map<string, number>
  form: boolean
  retention: string
  pageSize: number
  /** What becomes of a page of a list instead, by the operation and the page's number from 0. */
  trouble: ((operation: string, page: number) => 'fails' | 'circles' | undefined) | undefined
  /** Operations that were asked for, oldest first. */
  asked: string[]
}

export function newAccount(): Account {
  return {
    denied: new Set(),
    because: undefined,
    launched: [],
    more: [],
    noAccess: new Map(),
    quotas: new Map([
      ['Cross-region model inference tokens per minute for Anthropic Claude Opus 5.5', 2_000_000],
      ['On-demand model inference tokens per minute for Anthropic Claude Opus 4.6 V1', 400_000],
      ['Cross-region model inference requests per minute for Anthropic Claude Opus 5.5', 1_000],
    ]),
    form: true,
    retention: 'aws_review',
    pageSize: 1_000,
    trouble: undefined,
    asked: [],
  }
}

export interface Book {
  credentials: Credentials
  apiKey: string | undefined
  expired: ReadonlySet<string>
  issued?: ((accessKeyId: string) => Session | undefined) | undefined
  region: string
  profiles: Readonly<Record<string, string>>
  reach: Readonly<Record<string, readonly string[]>>
  lenient: boolean
  control: Account
  /** Profiles that were asked about. */
  asked: string[]
  now(): number
}

interface Operation {
  name: string
  action: string
  service?: string
  answer(book: Book, rest: string, query: URLSearchParams, body: string): unknown | Refusal
}

const GETS: readonly [RegExp, Operation][] = [
  [
    /^\/inference-profiles$/,
    { name: 'ListInferenceProfiles', action: 'bedrock:ListInferenceProfiles', answer: list },
  ],
  [
    /^\/inference-profiles\/(.+)$/,
    { name: 'GetInferenceProfile', action: 'bedrock:GetInferenceProfile', answer: one },
  ],
  [
    /^\/foundation-model-availability\/([^/]+)$/,
    {
      name: 'GetFoundationModelAvailability',
      action: 'bedrock:GetFoundationModelAvailability',
      answer: availability,
    },
  ],
  [
    /^\/use-case-for-model-access$/,
    {
      name: 'GetUseCaseForModelAccess',
      action: 'bedrock:GetUseCaseForModelAccess',
      answer: ({ control }) =>
        control.form
          ? { formData: 'e30=' }
          : refusal('ResourceNotFoundException', 'Use case for model access not found.'),
    },
  ],
  [
    /^\/data-retention$/,
    {
      name: 'GetAccountDataRetention',
      action: 'bedrock:GetAccountDataRetention',
      answer: ({ control }) => ({ mode: control.retention }),
    },
  ],
]

const QUOTAS: Operation = {
  name: 'ListServiceQuotas',
  action: 'servicequotas:ListServiceQuotas',
  service: 'servicequotas',
  answer: quotas,
}

/** True where the request was for the control plane. */
export async function serveControl(book: Book, arrived: Arrived, response: ServerResponse): Promise<boolean> {
  const [path, search] = splitTarget(arrived.target)
  const found = operationOf(arrived, path)
  if (!found) return false
  const { operation, rest } = found
  book.control.asked.push(operation.name)
  if (operation.name === 'GetInferenceProfile') book.asked.push(arrived.target)
  const service = operation.service ?? 'bedrock'
  const no =
    (await verify(arrived, { ...book, service, now: book.now() })) ??
    notAllowed(book, operation.action, arrived.headers.authorization)
  const answer = no ?? operation.answer(book, rest, new URLSearchParams(search), arrived.bytes.toString())
  if (isRefusal(answer)) refuse(response, answer, operation)
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  return true
}

function operationOf(
  { method, headers }: Arrived,
  path: string,
): { operation: Operation; rest: string } | undefined {
  if (method === 'POST' && headers['x-amz-target'] === 'ServiceQuotasV20190624.ListServiceQuotas')
    return { operation: QUOTAS, rest: '' }
  if (method !== 'GET') return undefined
  for (const [form, operation] of GETS) {
    const match = form.exec(path)
    if (match) return { operation, rest: decodeURIComponent(match[1] ?? '') }
  }
  return undefined
}

/** What an identity may not do, as AWS says it. */
export function notAllowed(
  { control, region }: Pick<Book, 'control' | 'region'>,
  action: string,
  authorization: string | undefined,
): Refusal | undefined {
  const isKey = authorization?.startsWith('Bearer ') === true
  const wanted = isKey ? ['bedrock:CallWithBearerToken', action] : [action]
  const denied = wanted.find((each) => control.denied.has(each))
  if (denied === undefined) return undefined
  const because = control.because ?? `no identity-based policy allows the ${denied} action`
  return refusal(
    'AccessDeniedException',
    `User: arn:aws:sts::123456789012:assumed-role/outcrop/gateway is not authorized to perform: ${denied} on ` +
      `resource: arn:aws:bedrock:${region}:123456789012:* because ${because}`,
  )
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'status' in answer && 'message' in answer
}

/** Service Quotas speaks AWS's JSON protocol: the name is in the body, and the status is 400. */
function refuse(response: ServerResponse, { status, type, message }: Refusal, { service }: Operation): void {
  if (service !== undefined) {
    const body = JSON.stringify({ __type: `com.amazonaws.servicequotas#${type}`, Message: message })
    return void response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
  }
  response
    .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
    .end(JSON.stringify({ message }))
}

function list(book: Book, _rest: string, query: URLSearchParams): unknown {
  const type = query.get('type')
  const all = type === 'APPLICATION' ? applications(book) : systems(book)
  return paged(book, `ListInferenceProfiles ${type}`, all, {
    token: query.get('nextToken'),
    most: Number(query.get('maxResults')),
    names: ['inferenceProfileSummaries', 'nextToken'],
  })
}

interface Page {
  token: string | null
  most: number
  names: readonly [string, string]
}

function paged(
  { control }: Book,
  operation: string,
  all: readonly unknown[],
  { token, most, names }: Page,
): unknown {
  const size = Math.min(control.pageSize, most || control.pageSize)
  const page = Number(/^page-(\d+)$/.exec(token ?? 'page-0')?.[1] ?? Number.NaN)
  if (Number.isNaN(page)) return refusal('ValidationException', 'The nextToken is invalid.')
  const trouble = control.trouble?.(operation, page)
  if (trouble === 'fails') return refusal('InternalServerException')
  const items = all.slice(page * size, (page + 1) * size)
  const isLast = (page + 1) * size >= all.length
  const next = trouble === 'circles' ? 'page-0' : `page-${page + 1}`
  return { [names[0]]: items, ...(isLast && trouble === undefined ? {} : { [names[1]]: next }) }
}

function systems({ region, control }: Book): unknown[] {
  const known = [...MODELS, ...control.launched].flatMap(({ id, profiles }) =>
    profiles
      .filter((prefix) => servesFrom(prefix, region))
      .map((prefix) => systemProfile(prefix, id, region)),
  )
  const others = control.more.map(({ id, status = 'ACTIVE', models = [] }) => ({
    inferenceProfileId: id,
    inferenceProfileArn: `arn:aws:bedrock:${region}:123456789012:inference-profile/${id}`,
    models: models.map((modelArn) => ({ modelArn })),
    status,
    type: 'SYSTEM_DEFINED',
  }))
  return [...others, ...known]
}

/** Two regions of a geography stand for all of them. */
function systemProfile(prefix: string, id: string, region: string) {
  const regions =
    prefix === 'global'
      ? [region, '']
      : [region, region.replace(/\d$/, (digit) => (digit === '1' ? '2' : '1'))]
  return {
    inferenceProfileName: `${prefix} ${id}`,
    inferenceProfileId: `${prefix}.${id}`,
    inferenceProfileArn: `arn:aws:bedrock:${region}:123456789012:inference-profile/${prefix}.${id}`,
    models: regions.map((each) => ({ modelArn: `arn:aws:bedrock:${each}::foundation-model/${id}` })),
    status: 'ACTIVE',
    type: 'SYSTEM_DEFINED',
    createdAt: '2026-11-20T00:00:00Z',
    updatedAt: '2026-11-20T00:00:00Z',
  }
}

function applications(book: Book): unknown[] {
  return Object.keys(book.profiles).map((name) => {
    const arn = `arn:aws:bedrock:${book.region}:123456789012:application-inference-profile/${name}`
    return applicationProfile(book, arn, name, book.profiles[name] ?? '')
  })
}

function applicationProfile({ region, reach }: Book, arn: string, name: string, base: string) {
  return {
    inferenceProfileName: name,
    inferenceProfileId: name,
    inferenceProfileArn: arn,
    models: (reach[name] ?? [region]).map((each) => ({
      modelArn: `arn:aws:bedrock:${each}::foundation-model/${base}`,
    })),
    status: 'ACTIVE',
    type: 'APPLICATION',
  }
}

/** By its id or its ARN. */
function one(book: Book, id: string): unknown {
  const found = findModel(id, book.region, book.profiles, book.control.launched)
  if ('status' in found) return found
  if (!id.startsWith('arn:'))
    return systemProfile(id.split('.anthropic')[0] ?? '', found.model.id, book.region)
  const name = id.slice(id.lastIndexOf('/') + 1)
  if (book.profiles[name] === undefined) return refusal('ResourceNotFoundException')
  return applicationProfile(book, id, name, found.model.id)
}

function availability({ control }: Book, id: string): unknown {
  const model = [...MODELS, ...control.launched].find((each) => each.id === id)
  if (!model) return refusal('ResourceNotFoundException', 'The model is not known.')
  const no = control.noAccess.get(id)
  return {
    modelId: id,
    agreementAvailability: { status: no === 'NOT_SUBSCRIBED' ? 'NOT_AVAILABLE' : 'AVAILABLE' },
    authorizationStatus: no === 'NOT_AUTHORIZED' ? 'NOT_AUTHORIZED' : 'AUTHORIZED',
    entitlementAvailability: no === 'NOT_SUBSCRIBED' ? 'NOT_AVAILABLE' : 'AVAILABLE',
    regionAvailability: 'AVAILABLE',
  }
}

function quotas(book: Book, _rest: string, _query: URLSearchParams, body: string): unknown {
  const asked = JSON.parse(body) as { ServiceCode?: string; NextToken?: string; MaxResults?: number }
  if (asked.ServiceCode !== 'bedrock') return refusal('ValidationException', 'There is no such service.')
  const all = [...book.control.quotas].map(([name, value], index) => ({
    ServiceCode: 'bedrock',
    QuotaCode: `L-${String(index).padStart(8, '0')}`,
    QuotaName: name,
    Value: value,
    Unit: 'None',
    Adjustable: true,
  }))
  return paged(book, 'ListServiceQuotas', all, {
    token: asked.NextToken ?? null,
    most: asked.MaxResults ?? 0,
    names: ['Quotas', 'NextToken'],
  })
}
