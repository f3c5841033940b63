/** The credentials of an upstream that admins have set up: made of its settings, kept in the keyring. */

import type { TagWish } from '../../aws/role.ts'
import { assumeRole, assumeWithToken, StsError, type Tag } from '../../aws/sts.ts'
import { type AwsKeys, type CredentialSource, type Credentials, credentialTrouble } from '../../aws.ts'
import type { UpstreamRow } from '../../data/upstreams.ts'
import { isJwt } from '../../protocol/jwt.ts'
import type { Settings } from '../../protocol/settings.ts'
import { kindNamed } from '../../providers/index.ts'
import type { Access } from '../../providers/kind.ts'
import { readGoogleAccount } from '../../providers/vertex/accounts.ts'
import { googleToken } from '../../providers/vertex/token.ts'
import type { Runtime } from '../../runtime.ts'
import { openSettings } from '../settings.ts'
import { sessionOf, tagsOf } from './session.ts'
import type { Caller } from './upstreams.ts'

/** What the secrets of upstreams are sealed for. */
export const PURPOSE = 'upstream settings'

/** What it takes to make credentials, and to keep them. */
type Lent = Pick<Runtime, 'config' | 'keyring' | 'fetch' | 'now' | 'hashes' | 'log' | 'sightings'>

/** What is made of a row once, however often it is used. */
export interface Prepared {
  row: UpstreamRow
  /** What its credentials are made of. */
  version: string
  tags: readonly TagWish[]
}

export function prepared(row: UpstreamRow): Prepared {
  const { kind, region, transport, settings, secrets } = row
  return {
    row,
    version: JSON.stringify([kind, region, transport, settings, secrets]),
    tags: kindNamed(kind).tags?.(settings) ?? [],
  }
}

/** What credentials are made by, as long as they are kept. */
interface Kept {
  lent: Lent
  row: UpstreamRow
  /** The gateway's own that were handed on last. */
  last: Credentials | undefined
}

/** Those for a caller, renewed while they are in use. */
export function sourceFor(lent: Lent, from: Prepared, caller: Caller | undefined): CredentialSource {
  const { row, version, tags } = from
  // Not the runtime of the request at hand: it would live, with its body, for as long as these credentials do.
  const { config, keyring, fetch, now, hashes, log, sightings } = lent
  const kept: Kept = { lent: { config, keyring, fetch, now, hashes, log, sightings }, row, last: undefined }
  return keyring.of(row.id, {
    version,
    session: sessionOf(tags, caller),
    load: () => made(kept, tagsOf(tags, caller)),
    failed: (error, left) => warn(kept.lent, row.id, error, left),
  })
}

function warn({ log, sightings, now }: Lent, upstream: string, error: unknown, left: number) {
  sightings.fades(upstream, now() + left, now())
  const why = error instanceof StsError ? error.operator : undefined
  log('warn', 'the credentials of an upstream could not be renewed: those it has go on working for now', {
    upstream,
    left_seconds: Math.round(left / 1_000),
    cause: why ?? (error instanceof Error ? error.message : 'unknown'),
  })
}

async function made(kept: Kept, tags: readonly Tag[]): Promise<Credentials> {
  const { lent, row } = kept
  const access = await accessOf(lent, row)
  switch (access.by) {
    case 'own':
      kept.last = await freshOwn(ownOf(lent, access.of), kept.last)
      return kept.last
    case 'keys':
      return access.keys
    case 'bearer':
      return { bearer: access.bearer }
    case 'google':
      return googleToken(readGoogleAccount(access.account), lent)
    case 'web-identity':
      return assumeWithToken(access.role, await tokenOf(lent, access.token), lent)
    case 'role':
      return access.over === 'own'
        ? overOwn(lent, (keys) => assumeRole(access.role, tags, keys, lent))
        : assumeRole(access.role, tags, access.over, lent)
  }
}

async function accessOf({ config }: Lent, row: UpstreamRow): Promise<Access> {
  const { kind, region, transport, settings } = row
  const secrets = await secretsOf({ config }, row)
  if (!secrets) throw credentialTrouble(SEALED)
  const said = { region: region ?? '', transport, settings: { ...settings, ...secrets } }
  return kindNamed(kind).access(said, config.egress, config.aws.stsEndpoint)
}

/** Undefined where they were sealed under another SECRET_KEY. */
export async function secretsOf(
  { config }: Pick<Runtime, 'config'>,
  { id, secrets }: Pick<UpstreamRow, 'id' | 'secrets'>,
): Promise<Settings | undefined> {
  return secrets === null ? {} : openSettings({ config }, PURPOSE, id, secrets)
}

export const SEALED =
  'The secrets of this upstream were sealed under a SECRET_KEY that the gateway no longer has. Set them anew.'

/** Whoever asks again for what they had, had it refused, or wants it renewed. */
async function freshOwn(own: CredentialSource, last: Credentials | undefined): Promise<Credentials> {
  const found = await own.get()
  if (found !== last) return found
  own.reject(found)
  return own.get()
}

/** @throws GatewayError api_error, where the surroundings have none. */
function ownOf({ keyring }: Lent, of: 'aws' | 'google'): CredentialSource {
  const own = keyring.means.own[of]
  if ('missing' in own) throw credentialTrouble(own.missing)
  return own
}

/** Keys that lead elsewhere may themselves have come to their end: once more, then, with fresh ones. */
const OWN_REFUSED = /^(ExpiredToken|InvalidClientTokenId|UnrecognizedClient)/

async function overOwn(lent: Lent, assume: (keys: AwsKeys) => Promise<AwsKeys>): Promise<AwsKeys> {
  const own = ownOf(lent, 'aws')
  const keys = await signingKeys(own)
  try {
    return await assume(keys)
  } catch (error) {
    if (!(error instanceof StsError) || !OWN_REFUSED.test(error.code)) throw error
    own.reject(keys)
    return assume(await signingKeys(own))
  }
}

async function signingKeys(source: CredentialSource): Promise<AwsKeys> {
  const keys = await source.get()
  if ('bearer' in keys)
    throw credentialTrouble('A role is taken on with keys that sign, not with an API key.')
  return keys
}

async function tokenOf({ keyring }: Lent, said: { text: string } | { file: string }): Promise<string> {
  if ('text' in said) return said.text
  const { readFile } = keyring.means
  if (!readFile) throw credentialTrouble(NO_FILES)
  const text = await readFile(said.file).catch((cause: unknown) => {
    throw credentialTrouble('The file of the web identity token of this upstream cannot be read.', cause)
  })
  // What is no token does not leave the machine, whatever file was named.
  if (isJwt(text.trim())) return text.trim()
  throw credentialTrouble('The file that this upstream names holds no web identity token.')
}

export const NO_FILES =
  'Where this gateway runs there are no files: give the upstream a webIdentityToken instead of a webIdentityTokenFile.'
