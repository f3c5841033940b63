/**
 * Which model an application inference profile leads to, and where that may run: asked of Bedrock's control plane.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetInferenceProfile.html
 */
import { sign } from '../../aws.ts'
import { within } from '../../protocol/deadline.ts'
import { modelAs, splitProfile } from '../../protocol/models.ts'
import type { Lent, Resolved, Upstream } from '../provider.ts'
import { geographyOf } from './geographies.ts'

/** The first call that names a profile waits for this, in milliseconds. */
const PATIENCE = 3_000
const MOST_BYTES = 1_000_000

/**
 * Undefined where nobody but AWS's bill knows: for provisioned throughput, and without a control plane.
 * @throws Error where it could not be asked, or would not say.
 */
export async function resolve(
  modelId: string,
  upstream: Upstream,
  lent: Lent,
): Promise<Resolved | undefined> {
  const { region, control } = upstream
  if (control === undefined || !modelId.includes(':application-inference-profile/')) return undefined
  const url = `${control}/inference-profiles/${encodeURIComponent(modelId)}`
  const late = () => new Error('no answer in time')
  const text = await within({ timeout: PATIENCE, signal: undefined, late, left: late }, async (signal) => {
    const credentials = await upstream.credentials.get()
    const headers = { accept: 'application/json' }
    const request = { method: 'GET', url, headers, service: 'bedrock', region, now: lent.now() } as const
    const signed = await sign(request, credentials, lent.hashes)
    const answer = await lent.fetch(url, { method: 'GET', headers: signed, signal, redirect: 'manual' })
    const said = await answer.text()
    if (!answer.ok) throw new Error(`status ${answer.status}`)
    return said.slice(0, MOST_BYTES)
  })
  return ledTo(JSON.parse(text), region)
}

const MODEL_ARN = /^arn:aws[a-z-]*:bedrock:([a-z0-9-]*):\d*:(?:foundation-model|inference-profile)\/(.+)$/

/** Every region it may run in has an entry of its own; the one that may run anywhere has an entry of no region. */
function ledTo(profile: unknown, here: string): Resolved | undefined {
  const { models = [] } = (profile ?? {}) as { models?: { modelArn?: string }[] }
  const arns = models.flatMap(({ modelArn = '' }) => {
    const [, region, id] = MODEL_ARN.exec(modelArn) ?? []
    return region === undefined || id === undefined ? [] : [{ region, id }]
  })
  const model = modelAs(splitProfile(arns[0]?.id ?? '')?.baseId ?? '')
  if (!model) return undefined
  const regions = new Set(arns.map(({ region }) => region))
  if (regions.has('')) return { model, regionClass: 'global' }
  return { model, regionClass: geographyOf(regions.size > 1 ? [...regions] : [], here) }
}
