/**
 * What Bedrock's refusals are called in the Messages API. Claude Code acts on status, type and wording: "prompt is
 * too long" makes it compact, a 401 makes it ask for a login, a 5xx makes it try ten times.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors
 */
import { type ErrorOptions, type ErrorType, GatewayError } from '../../errors.ts'

/** A refusal as Bedrock puts it, over HTTP or inside a stream. */
export interface Refusal {
  /** `ThrottlingException`; inside a stream the first letter is small. */
  name: string
  message: string
  /** The HTTP status; 0 inside a stream. */
  status: number
  /** What the model itself answered, where Bedrock passes that on. */
  originalStatus?: number | undefined
}

interface Rule {
  /** Lower-case names of exceptions. */
  names: readonly string[]
  message?: RegExp
  type: ErrorType
  /** What the developer reads; Bedrock's own sentence where there is none. */
  sentence?: (message: string, model: string) => string
  options?: ErrorOptions
}

/** Bedrock says nothing about when to come back. A minute's quota refills steadily, so a few seconds often do. */
const COME_BACK_AFTER = 10

const CREDENTIAL_NAMES = [
  'expiredtokenexception',
  'expiredtoken',
  'unrecognizedclientexception',
  'invalidsignatureexception',
  'incompletesignature',
  'incompletesignatureexception',
  'missingauthenticationtoken',
  'missingauthenticationtokenexception',
  'invalidclienttokenid',
  'requesttimetooskewed',
]

/** The first rule that fits decides. */
const RULES: readonly Rule[] = [
  {
    names: ['validationexception'],
    message: /^(prompt is too long|input is too long)/i,
    type: 'invalid_request_error',
    sentence: (message) => (/^prompt/i.test(message) ? message : `prompt is too long: ${message}`),
  },
  {
    names: ['validationexception', 'resourcenotfoundexception', 'ftuformnotfilled'],
    message:
      /model identifier is invalid|on-demand throughput|end of its life|could not resolve the foundation model|use case/i,
    type: 'not_found_error',
    sentence: (_, model) => `The model '${model}' cannot be used on this gateway's AWS account and region.`,
  },
  { names: ['validationexception', 'conflictexception'], type: 'invalid_request_error' },
  {
    names: ['resourcenotfoundexception', 'ftuformnotfilled'],
    type: 'not_found_error',
    sentence: (_, model) => `The model '${model}' was not found in this gateway's AWS account and region.`,
  },
  {
    names: CREDENTIAL_NAMES,
    type: 'api_error',
    sentence: () =>
      "AWS refused the gateway's own credentials. Your key is fine; tell whoever runs this gateway.",
    options: { retry: false },
  },
  {
    names: ['accessdeniedexception', 'accessdenied'],
    type: 'permission_error',
    sentence: (_, model) => `The gateway's AWS account has no access to the model '${model}'.`,
  },
  {
    names: ['throttlingexception'],
    message: /per day/i,
    type: 'rate_limit_error',
    sentence: () => "The AWS account's daily token quota for this model is used up.",
    options: { retry: false },
  },
  {
    names: ['throttlingexception', 'servicequotaexceededexception'],
    type: 'rate_limit_error',
    options: { retryAfter: COME_BACK_AFTER },
  },
  { names: ['modelnotreadyexception', 'serviceunavailableexception'], type: 'overloaded_error' },
  { names: ['modeltimeoutexception'], type: 'timeout_error' },
]

const OVERLOADED = new Set([429, 503, 529])

/** The error a developer gets for a refusal of Bedrock's. `model` is the name they asked for. */
export function refusalError(refusal: Refusal, model: string): GatewayError {
  const name = refusal.name.toLowerCase()
  const cause = new Error(`${refusal.name} (${refusal.status}): ${refusal.message}`)
  if (refusal.status === 413)
    return new GatewayError('request_too_large', withoutAccount(refusal.message), { cause })
  const rule = RULES.find(
    (each) => each.names.includes(name) && (each.message?.test(refusal.message) ?? true),
  )
  if (rule) {
    const sentence = rule.sentence?.(refusal.message, model) ?? refusal.message
    return new GatewayError(rule.type, withoutAccount(sentence), { ...rule.options, cause })
  }
  if (refusal.originalStatus !== undefined && OVERLOADED.has(refusal.originalStatus)) {
    return new GatewayError('overloaded_error', withoutAccount(refusal.message), { cause })
  }
  return byStatus(refusal, cause)
}

/** For names that no rule knows. */
function byStatus({ status, message }: Refusal, cause: Error): GatewayError {
  const sentence = withoutAccount(message)
  if (status === 429)
    return new GatewayError('rate_limit_error', sentence, { cause, retryAfter: COME_BACK_AFTER })
  if (status === 503) return new GatewayError('overloaded_error', sentence, { cause })
  if (status === 400) return new GatewayError('invalid_request_error', sentence, { cause })
  return new GatewayError('api_error', sentence === '' ? 'Bedrock failed to answer.' : sentence, { cause })
}

/** Account numbers and ARNs are nothing a developer needs. */
function withoutAccount(message: string): string {
  return message
    .replaceAll(/\barn:aws[a-z-]*:[^\s"',)]+/g, '(resource)')
    .replaceAll(/\b\d{12}\b/g, '(account)')
}

/** Whether AWS refused the credentials themselves, so that fresh ones may help. */
export function isCredentialRefusal({ name }: Refusal): boolean {
  return CREDENTIAL_NAMES.includes(name.toLowerCase())
}

interface RefusalBody {
  message?: string
  Message?: string
  __type?: string
  code?: string
  originalStatusCode?: number
}

/** Reads a refusal out of an HTTP answer. */
export async function readRefusal(response: Response): Promise<Refusal> {
  const text = await response.text()
  const body = refusalBody(text)
  const name =
    response.headers.get('x-amzn-errortype')?.split(':')[0] ?? body.__type?.split('#').at(-1) ?? body.code
  return {
    name: name ?? '',
    message: body.message ?? body.Message ?? '',
    status: response.status,
    originalStatus: body.originalStatusCode,
  }
}

/** AWS answers JSON; what stands before it (a proxy, a load balancer) may answer anything. */
export function refusalBody(text: string): RefusalBody {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : {}
  } catch {
    return {}
  }
}
