/** Questions to AWS that are no calls: signed, bounded in time and in size. A refusal keeps AWS's own name. */
import { sign } from '../../aws.ts'
import { apiRefusal } from '../../protocol/apierrors.ts'
import { answerTo } from '../asking.ts'
import type { Lent, Upstream } from '../provider.ts'
import { awsRefusal, isCredentialRefusal } from './errors.ts'

/** AWS answered, and it was no. */
export class AwsRefusal extends Error {
  /** `AccessDeniedException`; empty where it does not say. */
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, message: string) {
    super(message)
    this.name = 'AwsRefusal'
    this.code = code
    this.status = status
  }

  /** The credentials themselves were refused, whatever was asked. */
  get ofCredentials(): boolean {
    return isCredentialRefusal({ name: this.code, message: this.message, status: this.status })
  }
}

export interface Question {
  method: 'GET' | 'POST'
  url: string
  /** What the signature is for. */
  service: string
  headers?: Readonly<Record<string, string>>
  body?: string
}

/** The account that is asked, and by what means. */
export interface Asker {
  upstream: Pick<Upstream, 'region' | 'credentials' | 'control'>
  lent: Pick<Lent, 'fetch' | 'now' | 'hashes'>
}

const encoder = new TextEncoder()

/**
 * The answer, as JSON. Credentials that are refused are had anew, and it is asked once more.
 * @throws AwsRefusal where AWS says no; another Error where it does not answer, or not in JSON.
 */
export async function question(asked: Question, asker: Asker): Promise<unknown> {
  const { credentials: source } = asker.upstream
  for (let again = false; ; again = true) {
    const credentials = await source.get()
    try {
      return await ask(asked, asker, credentials)
    } catch (error) {
      if (again || !(error instanceof AwsRefusal) || !error.ofCredentials) throw error
      source.reject(credentials)
    }
  }
}

/** `GET` of Bedrock's control plane; `path` begins with a slash. */
export function askControl(path: string, asker: Asker): Promise<unknown> {
  const { control } = asker.upstream
  if (control === undefined) throw new Error('this upstream has no control plane')
  return question({ method: 'GET', url: `${control}${path}`, service: 'bedrock' }, asker)
}

async function ask(
  { method, url, service, headers = {}, body }: Question,
  { upstream: { region }, lent }: Asker,
  credentials: Parameters<typeof sign>[1],
): Promise<unknown> {
  const bytes = body === undefined ? {} : { body: encoder.encode(body) }
  const request = { method, url, headers: { accept: 'application/json', ...headers }, ...bytes }
  const signed = await sign({ ...request, service, region, now: lent.now() }, credentials, lent.hashes)
  const answer = await answerTo({ ...request, headers: signed }, lent)
  const { ok, text } = answer
  if (ok) return text === '' ? {} : (JSON.parse(text) as unknown)
  const { name, message, status } = apiRefusal(text, answer) ?? awsRefusal(text, answer)
  throw new AwsRefusal(name, status, message || `status ${status}`)
}

/** So many pages of a list are read; a list without end is a fault. */
const MOST_PAGES = 200

/**
 * Every item of a list, page by page; half a list is none.
 * @throws as `page` does, and an Error for a list that goes in a circle or does not end.
 */
export async function everyPage<Item>(
  page: (token: string | undefined) => Promise<{ items: readonly Item[]; next: string | undefined }>,
): Promise<Item[]> {
  const all: Item[] = []
  const seen = new Set<string>()
  for (let token: string | undefined, pages = 0; pages < MOST_PAGES; pages++) {
    const { items, next } = await page(token)
    all.push(...items)
    if (!next) return all
    if (seen.has(next)) throw new Error('its pages go in a circle')
    seen.add(next)
    token = next
  }
  throw new Error(`it has more than ${MOST_PAGES} pages`)
}

/** What an answer says under a name, if it is an object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** The same, if that is text. */
export function wordOf(value: unknown, name: string): string | undefined {
  const word = fieldOf(value, name)
  return typeof word === 'string' ? word : undefined
}

/** The same, if that is a list. */
export function listOf(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name)
  return Array.isArray(list) ? list : []
}
