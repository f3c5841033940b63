/**
 * What stands at the door of each server that speaks the Messages API: who may come in, by which path, with which
 * headers, asking for which model by which name. Whatever else arrives is a mistake of the gateway's.
 */
import { betaIsValid } from './betas.ts'
import { isThing, parse, type Thing, text, thing } from './json.ts'
import { judge } from './judge.ts'
import { signedWrongly } from './messagessigned.ts'
import { MODELS, type Model } from './models.ts'
import { type Arrived, type Credentials, splitTarget } from './signature.ts'

export type Door = 'runtime' | 'mantle' | 'platform' | 'anthropic' | 'vertex'

export interface Keys {
  credentials: Credentials
  /** A Bedrock API key, Anthropic's `x-api-key`, or Google's access token. */
  secret: string
  region: string
  workspace: string
  project: string
  now(): number
}

export interface No {
  status: number
  body: unknown
  headers?: Record<string, string>
}

export interface Passed {
  model: Model
  body: Thing
  counts: boolean
  /** The name that the answer carries. */
  told: string
}

interface Rules {
  path: (keys: Keys) => RegExp
  countPath?: (keys: Keys) => string
  auth: (arrived: Arrived, keys: Keys) => Promise<No | undefined>
  /** The id of a model here. */
  id: (model: Model) => string[]
  /** Bedrock's own validation stands behind it. */
  isBedrock: boolean
}

/** `claude-haiku-4-5-20251001`, in two parts. */
const parts = ({ api }: Model) => /^(.+?)(?:-(\d{8}))?$/.exec(api) ?? []
const plain = (model: Model) => parts(model)[1] ?? model.api
const firstParty = (model: Model) => [model.api, plain(model)]
const whole = (path: string) => new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)

const models = ({ project, region }: Keys) =>
  `/v1/projects/${project}/locations/${region}/publishers/anthropic/models/`

export const DOORS: Readonly<Record<Door, Rules>> = {
  runtime: {
    path: () => whole('/anthropic/v1/messages'),
    auth: (arrived, keys) => aws('bedrock', arrived, keys),
    id: ({ id, profiles }) => profiles.map((prefix) => `${prefix}.${id}`),
    isBedrock: true,
  },
  mantle: {
    path: () => whole('/anthropic/v1/messages'),
    countPath: () => '/anthropic/v1/messages/count_tokens',
    auth: (arrived, keys) => aws('bedrock-mantle', arrived, keys),
    id: (model) => [`anthropic.${plain(model)}`],
    isBedrock: true,
  },
  platform: {
    path: () => whole('/v1/messages'),
    countPath: () => '/v1/messages/count_tokens',
    auth: async (arrived, keys) =>
      arrived.headers['anthropic-workspace-id'] === keys.workspace
        ? aws('aws-external-anthropic', arrived, keys)
        : api(400, 'invalid_request_error', 'anthropic-workspace-id: header is required'),
    id: firstParty,
    isBedrock: false,
  },
  anthropic: {
    path: () => whole('/v1/messages'),
    countPath: () => '/v1/messages/count_tokens',
    auth: async ({ headers }, { secret }) =>
      headers['x-api-key'] === secret && headers.authorization === undefined
        ? undefined
        : api(401, 'authentication_error', 'invalid x-api-key'),
    id: firstParty,
    isBedrock: false,
  },
  vertex: {
    path: (keys) => new RegExp(`^${models(keys)}([^/:]+):streamRawPredict$`),
    countPath: (keys) => `${models(keys)}count-tokens:rawPredict`,
    auth: async ({ headers }, { secret }) =>
      headers.authorization === `Bearer ${secret}`
        ? undefined
        : google(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
    id: (model) => [parts(model)[2] === undefined ? model.api : `${plain(model)}@${parts(model)[2]}`],
    isBedrock: false,
  },
}

export function api(status: number, type: string, message: string): No {
  return { status, body: { type: 'error', error: { type, message }, request_id: 'req_upstream' } }
}

export function google(code: number, status: string, message: string): No {
  return { status: code, body: { error: { code, message, status } } }
}

async function aws(service: string, arrived: Arrived, keys: Keys): Promise<No | undefined> {
  if (arrived.headers.authorization === `Bearer ${keys.secret}`) return undefined
  const wrong = await signedWrongly(arrived, { ...keys, service, now: keys.now() })
  return wrong === undefined ? undefined : api(403, 'permission_error', `Signature refused: ${wrong}`)
}

const KNOWN_HEADERS =
  /^(host|connection|content-(type|length)|accept|accept-(encoding|language)|user-agent|sec-fetch-mode|authorization|x-api-key|x-amz-(date|security-token|content-sha256)|anthropic-(version|beta|workspace-id))$/

export async function examine(door: Door, arrived: Arrived, keys: Keys): Promise<No | Passed> {
  const rules = DOORS[door]
  const [path, query] = splitTarget(arrived.target)
  const counts = path === rules.countPath?.(keys)
  const found = counts ? [] : rules.path(keys).exec(path)
  if (!found || query !== '' || arrived.method !== 'POST') return unknownPath(door)
  const no = (await rules.auth(arrived, keys)) ?? strange(door, arrived)
  if (no) return no
  const body = parse(arrived.bytes.toString('utf8'))
  if (!isThing(body)) return invalid('The request body is not valid JSON')
  const id = decodeURIComponent(found[1] ?? text(body['model']))
  const model = MODELS.find((each) => rules.id(each).includes(id))
  if (!model) return unknownModel(door, id)
  const wrong = misfit(door, arrived, body, { model, id, counts })
  return wrong ?? { model, body, counts, told: model.api }
}

/** The runtime's host answers 200 to what it does not know. */
function unknownPath(door: Door): No {
  if (door !== 'runtime') return api(404, 'not_found_error', 'Not Found')
  const type = 'com.amazon.coral.service#UnknownOperationException'
  return { status: 200, body: { Output: { __type: type }, Version: '1.0' } }
}

function strange(door: Door, { headers }: Arrived): No | undefined {
  const unknown = Object.keys(headers).filter((name) => !KNOWN_HEADERS.test(name))
  if (unknown.length > 0) return invalid(`Unexpected headers: ${unknown.join(', ')}`)
  const version = headers['anthropic-version']
  if (door === 'vertex' ? version !== undefined : version !== '2023-06-01') {
    return invalid(`anthropic-version: '${String(version)}' is not a valid version`)
  }
  return headers['content-type'] === 'application/json' ? undefined : invalid('Unsupported content type')
}

function unknownModel(door: Door, id: string): No {
  if (door === 'vertex')
    return google(404, 'NOT_FOUND', `Publisher Model projects/p/models/${id} was not found`)
  if (door === 'runtime') return invalid('The provided model identifier is invalid.')
  return api(404, 'not_found_error', `model: ${id}`)
}

/** Betas that the Messages API on AWS knows beyond InvokeModel's. */
const MORE_BETAS = /^(structured-outputs|extended-cache-ttl|mid-conversation-system|context-management)-/

interface About {
  model: Model
  id: string
  counts: boolean
}

function misfit(door: Door, { headers }: Arrived, body: Thing, { model, id, counts }: About): No | undefined {
  const { model: _, stream, anthropic_version: version, ...rest } = body
  if (counts ? stream !== undefined || rest['max_tokens'] !== undefined : stream !== true) {
    return invalid(counts ? 'stream: Extra inputs are not permitted' : 'stream: must be true here')
  }
  if (door === 'vertex' ? version !== 'vertex-2023-10-16' : version !== undefined) {
    return invalid('anthropic_version: Extra inputs are not permitted')
  }
  if (door === 'vertex' && !counts && body['model'] !== undefined) {
    return invalid('model: Extra inputs are not permitted')
  }
  if (!DOORS[door].isBedrock) return undefined
  const betas = String(headers['anthropic-beta'] ?? '')
    .split(',')
    .filter((beta) => beta !== '')
  const known = betas.filter((beta) => betaIsValid(beta, model))
  const strangers = betas.filter((beta) => !known.includes(beta) && !MORE_BETAS.test(beta))
  if (strangers.length > 0) {
    const named = strangers.map((beta) => `\`${beta}\``).join(', ')
    return invalid(`Unexpected value(s) ${named} for the \`anthropic-beta\` header.`)
  }
  // Beyond InvokeModel: a breakpoint for the whole request, and context edits with their beta.
  const { cache_control: __, context_management: edits, ...asked } = rest
  const editing = betas.some((beta) => beta.startsWith('context-management-'))
  const asInvoked = {
    max_tokens: 1,
    ...asked,
    ...(edits === undefined || editing ? {} : { context_management: edits }),
    anthropic_version: 'bedrock-2023-05-31',
    ...(known.length > 0 ? { anthropic_beta: known } : {}),
  }
  const { refusal } = judge(asInvoked, { model, modelId: id, operation: 'stream' }, [])
  return refusal && invalid(refusal.message)
}

function invalid(message: string): No {
  return api(400, 'invalid_request_error', message)
}

export function isNo(outcome: No | Passed): outcome is No {
  return 'status' in outcome
}

export function thingsOf(bytes: Buffer): Thing {
  return thing(parse(bytes.toString('utf8')))
}
