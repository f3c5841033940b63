/**
 * Is this request signed for that service and region? Recomputed from what arrived, by AWS's own signer.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { type Arrived, type Credentials, splitTarget } from './signature.ts'

export interface Scope {
  credentials: Credentials
  region: string
  service: string
  now: number
}

const FIVE_MINUTES = 5 * 60_000

/** What is wrong with it, if anything. */
export async function signedWrongly(arrived: Arrived, scope: Scope): Promise<string | undefined> {
  const { credentials, region, service } = scope
  const [, credential = '', signed = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      arrived.headers.authorization ?? '',
    ) ?? []
  const stamp = String(arrived.headers['x-amz-date'])
  const wanted = `${credentials.accessKeyId}/${stamp.slice(0, 8)}/${region}/${service}/aws4_request`
  if (credential !== wanted) return `the credential is scoped to '${credential}', not '${wanted}'`
  const names = signed.split(';')
  const unsigned = Object.keys(arrived.headers).filter(
    (name) => /^(host|x-amz-|anthropic-)/.test(name) && !names.includes(name),
  )
  if (unsigned.length > 0) return `these headers must be signed: ${unsigned.join(', ')}`
  const date = dateOf(stamp)
  if (Math.abs(date.getTime() - scope.now) > FIVE_MINUTES) return 'Signature expired'
  return (await recomputed(arrived, scope, names, date)) === signature
    ? undefined
    : 'the signature does not match'
}

function dateOf(stamp: string): Date {
  return new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

async function recomputed(
  arrived: Arrived,
  { credentials, region, service }: Scope,
  names: readonly string[],
  signingDate: Date,
): Promise<string | undefined> {
  const [path = '', query = ''] = splitTarget(arrived.target)
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false })
  const { headers } = await signer.sign(
    {
      method: arrived.method,
      protocol: 'http:',
      hostname: arrived.headers.host ?? '',
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      headers: Object.fromEntries(names.map((name) => [name, String(arrived.headers[name] ?? '')])),
      body: arrived.bytes,
    },
    { signingDate, signableHeaders: new Set(names) },
  )
  return /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1]
}
