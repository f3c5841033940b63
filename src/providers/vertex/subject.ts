/**
 * Workload identity federation: the token of another identity provider that Google exchanges for its own.
 * https://google.aip.dev/auth/4117
 */
import { credentialTrouble, sign } from '../../aws.ts'
import { refusalBody, textIn } from '../../protocol/refusals.ts'
import type { ExternalAccount, SubjectSource } from './accounts.ts'
import type { TokenLent } from './token.ts'

const PATIENCE = 10_000

/** Read anew every time: what issues such tokens replaces them before they expire. */
export async function subjectToken(
  { audience, credential_source: source }: ExternalAccount,
  lent: TokenLent,
): Promise<string> {
  if (source.environment_id !== undefined) return awsIdentity(audience, lent)
  const said = source.file === undefined ? await fromUrl(source, lent) : await fromFile(source.file, lent)
  if (source.format?.type !== 'json') return said.trim()
  const token = textIn(refusalBody(said), source.format.subject_token_field_name ?? 'access_token')
  if (token === undefined) throw nothingThere()
  return token
}

async function fromFile(path: string, { readFile }: TokenLent): Promise<string> {
  if (!readFile) throw nothingThere()
  return readFile(path).catch((cause: unknown) => {
    throw nothingThere(cause)
  })
}

async function fromUrl({ url, headers }: SubjectSource, lent: TokenLent): Promise<string> {
  if (url === undefined) throw nothingThere()
  const init = {
    headers: headers ?? {},
    signal: AbortSignal.timeout(PATIENCE),
    redirect: 'manual',
  } as const
  try {
    const response = await lent.fetch(url, init)
    if (response.ok) return await response.text()
  } catch (cause) {
    throw nothingThere(cause)
  }
  throw nothingThere()
}

/** A request to AWS that only its principal can have signed; Google sends it, and reads who that is. */
async function awsIdentity(audience: string, { aws, now }: TokenLent): Promise<string> {
  if (!aws) throw nothingThere()
  const { region, credentials } = aws
  const url = `https://sts.${region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15`
  const asked = { method: 'POST', url, service: 'sts', region, now: now() } as const
  const current = await credentials.get()
  if ('bearer' in current) throw nothingThere()
  const signed = await sign({ ...asked, headers: { 'x-goog-cloud-target-resource': audience } }, current)
  const all = Object.entries({ ...signed, host: new URL(url).host }).toSorted()
  const headers = all.map(([name, value]) => ({
    key: name === 'authorization' ? 'Authorization' : name,
    value,
  }))
  return encodeURIComponent(JSON.stringify({ url, method: 'POST', headers }))
}

function nothingThere(cause?: unknown) {
  return credentialTrouble(
    'The token that the gateway shows to Google for its own identity cannot be had. See credential_source in its credentials file.',
    cause,
  )
}
