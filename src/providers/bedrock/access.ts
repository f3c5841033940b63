/** By what credentials an upstream on AWS is entered: the settings for it, and what they make. */

import { isServiceHost, partitionName, stsHost } from '../../aws/hosts.ts'
import type { Federated, TagWish } from '../../aws/role.ts'
import { type AwsKeys, credentialTrouble } from '../../aws.ts'
import { isJwt } from '../../protocol/jwt.ts'
import type { Field, Settings } from '../../protocol/settings.ts'
import type { Privileges } from '../../protocol/urls.ts'
import { address, elsewhereWrong } from '../elsewhere.ts'
import type { Access, Said, Wrong } from '../kind.ts'

const MODES = ['chain', 'keys', 'api-key', 'role', 'web-identity'] as const
type Mode = (typeof MODES)[number]

export const ACCESS_FIELDS: readonly Field[] = [
  {
    name: 'credentials',
    label: 'Credentials',
    options: MODES,
    hint: 'chain: those that the gateway itself has',
  },
  { name: 'accessKeyId', label: 'Access key id', hint: 'AKIAIOSFODNN7EXAMPLE' },
  { name: 'secretAccessKey', label: 'Secret access key', secret: true },
  { name: 'sessionToken', label: 'Session token', secret: true },
  { name: 'apiKey', label: 'API key', secret: true },
  { name: 'roleArn', label: 'Role', hint: 'arn:aws:iam::123456789012:role/outcrop' },
  { name: 'externalId', label: 'External id' },
  { name: 'sessionName', label: 'Session name', hint: 'outcrop' },
  { name: 'durationSeconds', label: 'Length of a session in seconds', hint: '3600' },
  { name: 'sessionTags', label: 'Session tags', hint: 'team, user, key, cost-centre=4711' },
  { name: 'webIdentityToken', label: 'Web identity token', secret: true },
  { name: 'webIdentityTokenFile', label: 'File of the web identity token' },
  { name: 'fips', label: 'FIPS endpoints', options: ['false', 'true'] },
  { name: 'dualStack', label: 'Endpoints with IPv6', options: ['false', 'true'] },
  {
    name: 'stsEndpoint',
    label: 'Another address of STS',
    hint: 'https://vpce-….sts.us-east-1.vpce.amazonaws.com',
  },
]

const KEYS = ['accessKeyId', 'secretAccessKey', 'sessionToken']
const ROLE = ['roleArn', 'sessionName', 'durationSeconds', 'stsEndpoint']

/** What each takes, beside what all take; the first of each list it cannot do without. */
const TAKES: Readonly<Record<Mode, { needs: readonly string[]; may: readonly string[] }>> = {
  chain: { needs: [], may: [] },
  keys: { needs: ['accessKeyId', 'secretAccessKey'], may: KEYS },
  'api-key': { needs: ['apiKey'], may: ['apiKey'] },
  role: { needs: ['roleArn'], may: [...ROLE, ...KEYS, 'externalId', 'sessionTags'] },
  'web-identity': { needs: ['roleArn'], may: [...ROLE, 'webIdentityToken', 'webIdentityTokenFile'] },
}

const ALL = new Set(Object.values(TAKES).flatMap(({ may }) => may))

export function modeOf({ credentials }: Settings): Mode {
  return MODES.find((mode) => mode === credentials) ?? 'chain'
}

export function accessWrong({ region, settings }: Said, open: Privileges): Wrong | undefined {
  const mode = modeOf(settings)
  const { needs, may } = TAKES[mode]
  const missing = needs.find((name) => !settings[name])
  if (missing !== undefined) return { field: missing, must: `be given where credentials is ${mode}` }
  const stray = Object.keys(settings).find((name) => ALL.has(name) && !may.includes(name))
  if (stray !== undefined) return { field: stray, must: `be left out where credentials is ${mode}` }
  return (
    keysWrong(settings) ??
    tokenWrong(mode, settings) ??
    roleWrong(region, settings) ??
    tagsWrong(settings) ??
    stsWrong({ region, settings }, open)
  )
}

function keysWrong({ accessKeyId, secretAccessKey, sessionToken, apiKey }: Settings): Wrong | undefined {
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    return { field: accessKeyId === undefined ? 'accessKeyId' : 'secretAccessKey', must: 'be given as well' }
  if (accessKeyId !== undefined && !/^\w{16,128}$/.test(accessKeyId))
    return { field: 'accessKeyId', must: 'be an access key id of AWS' }
  if (sessionToken !== undefined && accessKeyId === undefined)
    return { field: 'accessKeyId', must: 'be given with a session token' }
  const texts = { secretAccessKey, sessionToken, apiKey }
  const [field] = Object.entries(texts).find(([, value]) => value && !/^[\x21-\x7e]+$/.test(value)) ?? []
  return field === undefined ? undefined : { field, must: 'be one line, without spaces' }
}

function tokenWrong(mode: Mode, settings: Settings): Wrong | undefined {
  if (mode !== 'web-identity') return undefined
  const { webIdentityToken: token, webIdentityTokenFile: file } = settings
  if ((token === undefined) === (file === undefined))
    return { field: 'webIdentityToken', must: 'be given, or webIdentityTokenFile, and not both' }
  if (file !== undefined && !file.startsWith('/'))
    return { field: 'webIdentityTokenFile', must: 'be the whole path of a file' }
  return token === undefined || isJwt(token)
    ? undefined
    : { field: 'webIdentityToken', must: 'be a token of OpenID Connect, in three parts' }
}

const ROLE_ARN = /^arn:([a-z-]+):iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/
const LONGEST_SESSION = 43_200
const SHORTEST_SESSION = 900

function roleWrong(region: string, settings: Settings): Wrong | undefined {
  const { roleArn, externalId, sessionName, durationSeconds } = settings
  if (roleArn === undefined) return undefined
  const [, partition] = ROLE_ARN.exec(roleArn) ?? []
  if (partition === undefined)
    return { field: 'roleArn', must: 'be the ARN of a role, such as arn:aws:iam::123456789012:role/outcrop' }
  if (partition !== partitionName(region))
    return {
      field: 'roleArn',
      must: `start with arn:${partitionName(region)}: as ${region} does not know others`,
    }
  if (externalId !== undefined && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId))
    return { field: 'externalId', must: 'be 2 to 1224 letters, digits or any of _+=,.@:/-' }
  if (sessionName !== undefined && !/^[\w+=,.@-]{2,64}$/.test(sessionName))
    return { field: 'sessionName', must: 'be 2 to 64 letters, digits or any of _+=,.@-' }
  const seconds = /^\d{3,5}$/.test(durationSeconds ?? '') ? Number(durationSeconds) : 0
  if (durationSeconds !== undefined && (seconds < SHORTEST_SESSION || seconds > LONGEST_SESSION))
    return { field: 'durationSeconds', must: `be ${SHORTEST_SESSION} to ${LONGEST_SESSION} seconds` }
  return undefined
}

/** What AWS takes in the names and values of tags. https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html */
const TAG = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const MOST_TAGS = 50
const CALLERS = ['team', 'user', 'key'] as const

function tagsWrong(settings: Settings): Wrong | undefined {
  const tags = tagsIn(settings)
  const names = tags.map(({ name }) => name.toLowerCase())
  const isGood = ({ name, value }: TagWish) =>
    TAG.test(name) &&
    name.length > 0 &&
    name.length <= 128 &&
    !/^aws:/i.test(name) &&
    (!('text' in value) || (TAG.test(value.text) && value.text.length > 0 && value.text.length <= 256))
  if (tags.every(isGood) && tags.length <= MOST_TAGS && new Set(names).size === names.length) return undefined
  return {
    field: 'sessionTags',
    must: 'be names among team, user and key, or name=value, each once, with commas between',
  }
}

/** `team, user, cost-centre=4711` */
export function tagsIn({ sessionTags: text }: Settings): TagWish[] {
  if (!text) return []
  return text.split(',').map((part) => {
    const [name = '', ...rest] = part.trim().split('=')
    const caller = CALLERS.find((each) => each === name)
    if (caller !== undefined && rest.length === 0) return { name, value: { of: caller } }
    return { name: name.trim(), value: { text: rest.join('=').trim() } }
  })
}

const STS = 'an address of STS in the same region, or of its endpoint in a VPC'

function stsWrong(
  { region, settings }: Pick<Said, 'region' | 'settings'>,
  open: Privileges,
): Wrong | undefined {
  const { stsEndpoint } = settings
  const must = stsEndpoint && stsMust(region, settings, open)(stsEndpoint)
  return must ? { field: 'stsEndpoint', must } : undefined
}

function stsMust(region: string, settings: Settings, open: Privileges) {
  const { fips } = wishOf(settings)
  const isOwn = (host: string) =>
    host === stsHost(region, { fips }) || isServiceHost(host, ['sts'], region, { fips })
  return (text: string) => elsewhereWrong(text, isOwn, open, STS)
}

export function wishOf({ fips, dualStack }: Settings) {
  return { fips: fips === 'true', dualStack: dualStack === 'true' }
}

/** @throws GatewayError api_error for settings that cannot be used. */
export function accessOf({ region, settings }: Said, open: Privileges, usualSts: string | undefined): Access {
  const mode = modeOf(settings)
  switch (mode) {
    case 'chain':
      return { by: 'own', of: 'aws' }
    case 'api-key':
      return { by: 'bearer', bearer: settings['apiKey'] ?? missing('apiKey') }
    case 'keys':
      return { by: 'keys', keys: keysIn(settings) ?? missing('accessKeyId') }
  }
  const usual = usualSts ?? `https://${stsHost(region, wishOf(settings))}`
  const role: Federated = {
    arn: settings['roleArn'] ?? missing('roleArn'),
    sessionName: settings['sessionName'] ?? 'outcrop',
    duration: settings['durationSeconds'] === undefined ? undefined : Number(settings['durationSeconds']),
    region,
    endpoint: address(settings['stsEndpoint'], usual, stsMust(region, settings, open)),
  }
  if (mode === 'web-identity') return { by: 'web-identity', role, token: tokenIn(settings) }
  const externalId = settings['externalId']
  return { by: 'role', role: { ...role, externalId }, over: keysIn(settings) ?? 'own' }
}

function keysIn({ accessKeyId, secretAccessKey, sessionToken }: Settings): AwsKeys | undefined {
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

function tokenIn({ webIdentityToken: text, webIdentityTokenFile: file }: Settings) {
  if (file !== undefined) return { file }
  return { text: text ?? missing('webIdentityToken') }
}

function missing(name: string): never {
  throw credentialTrouble(`This upstream lacks its setting ${name}. Set it anew with PATCH /admin/upstreams.`)
}
