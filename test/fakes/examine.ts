/**
 * Everything that is looked at before a request is accepted: who sent it, to which model, saying what.
 */
import { type Account, notAllowed } from './control.ts'
import { isThing, parse, type Thing, text, thing } from './json.ts'
import { DISPUTED, judge } from './judge.ts'
import { type Found, findModel, type Model } from './models.ts'
import { invalid, type Refusal, refusal } from './refusal.ts'
import type { Rule } from './rules.ts'
import type { Operation } from './seen.ts'
import { type Arrived, type Credentials, type Session, splitTarget, verify } from './signature.ts'

export interface Rulebook {
  credentials: Credentials
  expired: Set<string>
  apiKey: string | undefined
  issued?: ((accessKeyId: string) => Session | undefined) | undefined
  region: string
  profiles: Readonly<Record<string, string>>
  /** More rules, judged first. */
  rules: readonly Rule[]
  lenient: boolean
  control: Account
  now(): number
}

export interface Examined {
  modelId: string
  model?: Model
  body: Thing
  refusal?: Refusal
}

const ACTIONS: Readonly<Record<Operation, string>> = {
  invoke: 'bedrock:InvokeModel',
  stream: 'bedrock:InvokeModelWithResponseStream',
  count: 'bedrock:CountTokens',
}

interface Where {
  segment: string
  operation: Operation
  tooLarge: boolean
}

export async function examine(book: Rulebook, arrived: Arrived, where: Where): Promise<Examined> {
  const modelId = decode(where.segment)
  const parsed = parse(arrived.bytes.toString('utf8'))
  const inner = where.operation === 'count' ? countBody(parsed) : parsed
  const seen = { modelId: modelId ?? where.segment, body: thing(inner) }
  const stop = (no: Refusal): Examined => ({ ...seen, refusal: no })
  if (where.tooLarge) return stop(refusal('RequestEntityTooLargeException'))
  const no = (await verify(arrived, { ...book, now: book.now() })) ?? strange(arrived)
  if (no) return stop(no)
  const forbidden = notAllowed(book, ACTIONS[where.operation], arrived.headers.authorization)
  if (forbidden) return stop(forbidden)
  if (modelId === undefined) return stop(invalid('The provided model identifier is invalid.'))
  const found = findModel(modelId, book.region, book.profiles, book.control.launched)
  if ('status' in found) return stop(found)
  const unfit = servable(found, modelId, where.operation)
  if (unfit) return stop(unfit)
  if (!isThing(inner)) return stop(refusal('ValidationException'))
  const about = { model: found.model, modelId, operation: where.operation }
  const verdict = judge(inner, about, [...book.rules, ...(book.lenient ? [] : DISPUTED)])
  return verdict.refusal ? stop(verdict.refusal) : { ...seen, model: found.model }
}

/** Encoded once or left raw, never twice. */
function decode(segment: string): string | undefined {
  if (/%25/.test(segment)) return undefined
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** What a signed request to AWS never carries: the sign of a gateway that forwards its caller's headers. */
const FORWARDED = ['x-api-key', 'cookie', 'x-forwarded-for', 'x-forwarded-host']

function strange({ headers, target }: Arrived): Refusal | undefined {
  const leaked = FORWARDED.filter((name) => headers[name] !== undefined)
  if (leaked.length > 0) return invalid(`Unexpected headers: ${leaked.join(', ')}`)
  if (splitTarget(target)[1] !== '') return invalid('Unexpected query string')
  if (/^application\/json\b/.test(headers['content-type'] ?? '')) return undefined
  return invalid(`Unsupported content type: ${headers['content-type'] ?? 'none'}`)
}

function servable(found: Found, modelId: string, operation: Operation): Refusal | undefined {
  if (operation === 'count') {
    return found.isBase && found.model.countable
      ? undefined
      : invalid("The provided model doesn't support counting tokens.")
  }
  if (!found.isBase || found.model.onDemand) return undefined
  return invalid(
    `Invocation of model ID ${modelId} with on-demand throughput isn't supported. Retry your request with the ID or ` +
      'ARN of an inference profile that contains this model.',
  )
}

function countBody(parsed: unknown): unknown {
  const encoded = thing(thing(thing(parsed)['input'])['invokeModel'])['body']
  return parse(Buffer.from(text(encoded), 'base64').toString('utf8'))
}
