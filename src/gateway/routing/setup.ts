/** Upstreams as admins wish for them: checked against what their kind demands, and made fit to be stored. */
import type { ProviderName } from '../../config.ts'
import type { UpstreamRow } from '../../data/upstreams.ts'
import { GatewayError } from '../../errors.ts'
import { newId } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'
import { upstreamKinds } from '../../providers/index.ts'
import type { Access, Said, UpstreamKind } from '../../providers/kind.ts'
import type { Runtime } from '../../runtime.ts'
import { partedSettings, sealSettings, wrongSetting } from '../settings.ts'
import { NO_FILES, PURPOSE, secretsOf } from './credentials.ts'
import { ENVIRONMENT, environmentId } from './upstreams.ts'

/** Each of them is looked at for every call. */
const MOST_UPSTREAMS = 100

/** Where it leads, and as whom. */
export interface LeadWish {
  region?: string | null | undefined
  transport?: string | undefined
  settings?: Settings | undefined
}

/** How calls are spread. */
export interface SpreadWish {
  priority?: number | undefined
  weight?: number | undefined
  enabled?: boolean | undefined
}

export interface UpstreamWish extends LeadWish, SpreadWish {
  kind: string
  name: string
}

type Lead = Pick<UpstreamRow, 'region' | 'transport' | 'settings' | 'secrets'>
type Desk = Pick<Runtime, 'config' | 'keyring' | 'now'>

/**
 * A new one, not yet stored.
 * @throws GatewayError invalid_request_error naming what is wrong.
 */
export async function newUpstream(
  desk: Desk,
  present: readonly UpstreamRow[],
  { kind, name, priority = 0, weight = 1, enabled = true, ...lead }: UpstreamWish,
): Promise<UpstreamRow> {
  if (present.length >= MOST_UPSTREAMS)
    throw invalid(`There are ${MOST_UPSTREAMS} upstreams, which is as many as there may be.`)
  const at = desk.now()
  const id = newId('upstream', at)
  const blank = { id, kind, region: null, transport: 'auto', settings: {}, secrets: null }
  const made = await checkedLead(desk, blank, { settings: {}, ...lead })
  return { ...blank, ...made, name, priority, weight, enabled, createdAt: new Date(at), archivedAt: null }
}

/** What stands for an upstream of the environment until an admin changes something of it. */
export function environmentRow({ config, now }: Desk, id: string): UpstreamRow | undefined {
  if (!environmentIds({ config }).includes(id)) return undefined
  return {
    id,
    kind: ENVIRONMENT,
    name: id,
    region: null,
    transport: 'auto',
    settings: {},
    secrets: null,
    priority: 0,
    weight: 1,
    enabled: true,
    createdAt: new Date(now()),
    archivedAt: null,
  }
}

export function environmentIds({ config }: Pick<Runtime, 'config'>): string[] {
  return config.upstreams.map((provider: ProviderName) => environmentId({ config }, provider))
}

/** Settings that say what secrets are for, and where they are sent. */
const LEADING = ['credentials', 'endpoint', 'controlEndpoint', 'stsEndpoint']

/**
 * Where an upstream leads, with what is wished for: what is not said stays as it was. Settings are said all together; a
 * secret that is not said stays, unless other credentials are chosen or another address is: who does not know a secret
 * sends it nowhere else.
 * @throws GatewayError invalid_request_error naming the setting.
 */
export async function checkedLead(
  { config, keyring }: Pick<Desk, 'config' | 'keyring'>,
  before: Pick<UpstreamRow, 'id' | 'kind'> & Lead,
  wish: LeadWish,
): Promise<Lead> {
  const kind = kindOf(before.kind)
  const { transport = before.transport, region = before.region, settings: said = before.settings } = wish
  if (!kind.transports.includes(transport))
    throw invalid(`transport: Input should be one of ${kind.transports.join(', ')}`)
  checkRegion(kind, region)
  const stays = LEADING.every((name) => said[name] === before.settings[name])
  const kept = stays ? await secretsOf({ config }, before) : {}
  const { open, secret } = partedSettings(kind, said, kept ?? {})
  const whole: Said = { region: region ?? '', transport, settings: { ...open, ...secret } }
  const wrong = kind.wrong(whole, config.egress)
  if (wrong) throw wrongSetting(wrong.field, `Input should ${wrong.must}`)
  checkMeans(kind.access(whole, config.egress, config.aws.stsEndpoint), { keyring })
  const sealed = Object.keys(secret).length > 0 ? sealSettings({ config }, PURPOSE, before.id, secret) : null
  return { region, transport, settings: open, secrets: await sealed }
}

function checkRegion({ region: wanted, label }: UpstreamKind, region: string | null) {
  if (wanted === undefined) {
    if (region !== null) throw invalid(`region: ${label} has none: leave it out`)
    return
  }
  if (region === null) throw invalid('region: Field required')
  if (!wanted.form.test(region)) throw invalid(`region: Input should ${wanted.must}`)
}

/** Not everywhere can everything be had that credentials are made of. */
function checkMeans(access: Access, { keyring }: Pick<Desk, 'keyring'>) {
  const { own, readFile } = keyring.means
  const of =
    access.by === 'own' ? access.of : access.by === 'role' && access.over === 'own' ? 'aws' : undefined
  const source = of && own[of]
  if (source && 'missing' in source) throw invalid(`settings: ${source.missing}`)
  if (access.by === 'web-identity' && 'file' in access.token && !readFile) {
    throw wrongSetting('webIdentityTokenFile', NO_FILES)
  }
}

function kindOf(name: string): UpstreamKind {
  const kind = Object.hasOwn(upstreamKinds, name) ? upstreamKinds[name] : undefined
  if (!kind) throw invalid(`kind: Input should be one of ${Object.keys(upstreamKinds).join(', ')}`)
  return kind
}

function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
