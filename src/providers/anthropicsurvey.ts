/** What an account at Anthropic has, as its own API lists it, and whether its key is good. */
import type { Check, Findings, Offer } from '../protocol/findings.ts'
import { refusalBody, textIn } from '../protocol/refusals.ts'
import { shownSecret } from './ask.ts'
import { type Answered, answerTo } from './asking.ts'
import { listedModels } from './listing.ts'
import type { Lent, Upstream } from './provider.ts'

const LISTING = 'GET /v1/models'
const CREDENTIALS = 'credentials'
const LONGEST = 300

/** See `Provider.survey`. */
export async function survey(upstream: Upstream, lent: Lent): Promise<Findings> {
  const { offers, checks } = await listed(upstream, lent)
  return { ...(offers ? { offers } : {}), checks }
}

/** See `Provider.examine`. */
export async function examine(upstream: Upstream, lent: Lent): Promise<Check[]> {
  return (await listed(upstream, lent)).checks
}

async function listed(upstream: Upstream, lent: Lent): Promise<{ offers?: Offer[]; checks: Check[] }> {
  const asked = { last: undefined as Answered | undefined }
  try {
    const key = shownSecret(await upstream.credentials.get(), NO_KEY)
    const offers = await listedModels(async (path) => {
      const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01', accept: 'application/json' }
      asked.last = await answerTo({ method: 'GET', url: `${upstream.endpoint}${path}`, headers }, lent)
      if (!asked.last.ok) throw new Error(`status ${asked.last.status}`)
      return JSON.parse(asked.last.text) as unknown
    })
    return {
      offers,
      checks: [check(CREDENTIALS, 'passed', 'The key is good.'), check(LISTING, 'passed', LEARNS)],
    }
  } catch (error) {
    return { checks: wrong(asked.last, error) }
  }
}

const NO_KEY = 'The gateway has no key for the Anthropic API.'
const LEARNS = 'The gateway learns by it which models the account has.'

function wrong(answer: Answered | undefined, error: unknown): Check[] {
  const cause = error instanceof Error ? error.message : 'unknown'
  if (!answer)
    return [
      check(CREDENTIALS, 'unknown', NOT_YET),
      check(LISTING, 'failed', `It could not be asked: ${cause}.`),
    ]
  const { name, message } = refusalIn(answer.text)
  if (answer.status === 401) {
    const says = `Anthropic refuses the key: set it anew (${message || 'status 401'}).`
    return [{ ...check(CREDENTIALS, 'refused', says), error: name }, check(LISTING, 'unknown', NOT_YET)]
  }
  const says = `It could not be had: ${message || cause}.`
  return [
    check(CREDENTIALS, 'unknown', NOT_YET),
    { ...check(LISTING, answer.status === 403 ? 'refused' : 'failed', says), error: name },
  ]
}

const NOT_YET = 'Not to be told until the API answers.'

function refusalIn(text: string): { name: string; message: string } {
  const { error } = refusalBody(text)
  const body = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  return { name: textIn(body, 'type') ?? '', message: (textIn(body, 'message') ?? '').slice(0, LONGEST) }
}

function check(action: string, verdict: Check['verdict'], says: string): Check {
  return { action, verdict, says }
}
