/** What every channel does: one request, and the way it failed as a word. */
import { EgressError } from '../egress.ts'
import { readCapped } from '../protocol/capped.ts'
import type { Answer } from '../protocol/send.ts'
import { type AwsRequest, ChannelError, type Lent } from './channel.ts'

/** To an address that an admin set. What is answered does not matter, as long as it is a success. */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  { fetch, signal }: Lent,
): Promise<void> {
  const sending = fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
  const answer = await reached(sending, signal)
  answer.body?.cancel().catch(() => {})
  if (answer.status < 200 || answer.status > 299) throw failed(`http_${answer.status}`, answer)
}

/** What AWS answers to, as text. */
export async function askAws(request: AwsRequest, { aws, signal }: Lent): Promise<string> {
  const answer = await reached(aws(request, signal), signal)
  const text = await reached(textOf(answer), signal)
  if (answer.status < 200 || answer.status > 299)
    throw failed(namedIn(answer) ?? codeIn(text) ?? `http_${answer.status}`, answer)
  return text
}

const LARGEST = 100_000

async function textOf({ body }: Answer): Promise<string> {
  if (!body) return ''
  try {
    return new TextDecoder().decode(await readCapped(body, LARGEST, () => new ChannelError('too_large')))
  } catch (error) {
    body.cancel().catch(() => {})
    throw error
  }
}

async function reached<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  return await step.catch((cause: unknown) => {
    if (cause instanceof ChannelError) throw cause
    if (signal.aborted) throw new ChannelError('timeout', { cause })
    throw new ChannelError(cause instanceof EgressError ? cause.reason : 'unreachable', { cause })
  })
}

/** REST services of AWS name the error in a header. */
function namedIn({ headers }: Answer): string | undefined {
  return /^([A-Za-z]{1,80})(?::|$)/.exec(headers.get('x-amzn-errortype') ?? '')?.[1]
}

/** An AWS error has a name: in XML, or in JSON with a namespace before it. It is a name, or it is not told. */
const CODE =
  /<Code>([A-Za-z.]{1,80})<\/Code>|"(?:__type|code|ErrorCode)"\s*:\s*"(?:[\w.]{1,100}#)?([A-Za-z]{1,80})"/

export function codeIn(text: string): string | undefined {
  const [, xml, json] = CODE.exec(text) ?? []
  return xml ?? json
}

function failed(problem: string, { headers }: Answer): ChannelError {
  const said = headers.get('retry-after') ?? ''
  return new ChannelError(problem, { retryAfter: /^\d{1,6}$/.test(said) ? Number(said) : undefined })
}
