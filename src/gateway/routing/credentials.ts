/** The credentials of an upstream that admins have set up: made of its settings, kept in the keyring. */
import { type CredentialSource, type Credentials, credentialTrouble } from '../../aws.ts'
import type { UpstreamRow } from '../../data/upstreams.ts'
import { kindNamed } from '../../providers/index.ts'
import type { Access } from '../../providers/kind.ts'
import type { Runtime } from '../../runtime.ts'
import { openSettings } from '../settings.ts'
import type { Caller } from './upstreams.ts'

/** What the secrets of upstreams are sealed for. */
export const PURPOSE = 'upstream settings'

/** What it takes to make credentials, and to keep them. */
type Lent = Pick<Runtime, 'config' | 'keyring' | 'fetch' | 'now' | 'hashes'>

export function sourceFor(lent: Lent, row: UpstreamRow, _caller: Caller | undefined): CredentialSource {
  const version = JSON.stringify([row.region, row.transport, row.settings, row.secrets])
  return lent.keyring.of(row.id, version, '', () => made(lent, row))
}

async function made(lent: Lent, row: UpstreamRow): Promise<Credentials> {
  const access = await accessOf(lent, row)
  switch (access.by) {
    case 'own':
      return ownOf(lent, access.of).get()
    case 'keys':
      return access.keys
    case 'bearer':
      return { bearer: access.bearer }
    default:
      throw credentialTrouble('not yet')
  }
}

async function accessOf(
  { config }: Lent,
  { id, kind, region, transport, settings, secrets }: UpstreamRow,
): Promise<Access> {
  const opened = secrets === null ? {} : await openSettings({ config }, PURPOSE, id, secrets)
  if (!opened) throw credentialTrouble('The secrets of this upstream were sealed under another SECRET_KEY.')
  const said = { region: region ?? '', transport, settings: { ...settings, ...opened } }
  return kindNamed(kind).access(said, config.egress, undefined)
}

function ownOf({ keyring }: Lent, of: 'aws' | 'google'): CredentialSource {
  const own = keyring.means.own[of]
  if ('missing' in own) throw credentialTrouble(own.missing)
  return own
}
