/** The doctor of an upstream at Google: a call that must be refused as invalid shows whether it would be let in. */
import { GatewayError } from '../../errors.ts'
import type { Check } from '../../protocol/findings.ts'
import { MODELS } from '../../protocol/models.ts'
import { refusalBody, textIn } from '../../protocol/refusals.ts'
import { shownSecret } from '../ask.ts'
import { answerTo } from '../asking.ts'
import type { Lent, Upstream } from '../provider.ts'

const CREDENTIALS = 'credentials'
const PREDICT = 'aiplatform.endpoints.predict'
const LONGEST = 300

/** See `Provider.examine`. */
export async function examine(upstream: Upstream, lent: Lent): Promise<Check[]> {
  let token: string
  try {
    token = shownSecret(await upstream.credentials.get(), 'The gateway has no Google Cloud credentials.')
  } catch (error) {
    const isSaid = error instanceof GatewayError
    const says = isSaid ? (error.operator ?? error.message) : 'They could not be had just now.'
    return [
      { action: CREDENTIALS, verdict: isSaid ? 'refused' : 'failed', says },
      { action: PREDICT, verdict: 'unknown', says: 'Not to be told until there are credentials.' },
    ]
  }
  return [
    { action: CREDENTIALS, verdict: 'passed', says: 'The gateway has them.' },
    await predicting(upstream, token, lent),
  ]
}

async function predicting(upstream: Upstream, token: string, lent: Lent): Promise<Check> {
  const [newest] = MODELS
  const url = `${upstream.endpoint}/${newest?.name}:rawPredict`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = new TextEncoder().encode('{}')
  const answer = await answerTo({ method: 'POST', url, headers, body }, lent).catch((error: Error) => error)
  if (answer instanceof Error)
    return { action: PREDICT, verdict: 'failed', says: `It could not be asked: ${answer.message}.` }
  if (answer.status === 400 || answer.status === 429)
    return { action: PREDICT, verdict: 'passed', says: 'The gateway sends calls by it.' }
  const { name, message } = refusalIn(answer.text)
  const said = message || `status ${answer.status}`
  if (answer.status !== 403 && answer.status !== 401)
    return { action: PREDICT, verdict: 'failed', says: `Google did not do it: ${said}.`, error: name }
  const says = `Grant ${PREDICT} to the service account, as the role roles/aiplatform.user does: ${said}.`
  return { action: PREDICT, verdict: 'refused', says, error: name }
}

function refusalIn(text: string): { name: string; message: string } {
  const { error } = refusalBody(text)
  const body = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  return {
    name: textIn(body, 'status') ?? textIn(body, 'type') ?? '',
    message: (textIn(body, 'message') ?? '').slice(0, LONGEST),
  }
}
