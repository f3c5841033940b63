/** Another address than the usual one for an upstream: no setting sends secrets or prompts to just any host. */
import { credentialTrouble } from '../aws.ts'
import { reachOf } from '../protocol/addresses.ts'
import { hostOf, isTrusted, type Privileges, readUrl } from '../protocol/urls.ts'

/** What an address must be, in words; undefined where it may be used. `isOwn` knows the owner's own hosts. */
export function elsewhereWrong(
  text: string,
  isOwn: (host: string) => boolean,
  open: Privileges,
  own: string,
): string | undefined {
  const url = readUrl(text)
  if (!url || /[?#]/.test(text)) return 'be a URL such as https://host, without a query'
  if (isTrusted(url, open) || (open.loopback && isLoopback(url))) return undefined
  const isPlain = url.protocol === 'https:' && url.port === '' && url.pathname === '/'
  if (isPlain && isOwn(url.hostname)) return undefined
  return `be ${own}, or start with an origin that EGRESS_TRUSTED names where the gateway runs`
}

function isLoopback(url: URL): boolean {
  const host = hostOf(url)
  return host.kind === 'localhost' || (host.kind === 'address' && reachOf(host.bytes) === 'loopback')
}

/**
 * The address to use: the one that was set, if it still may be, else the usual one. No slash at its end.
 * @throws GatewayError api_error where it may not be used any more.
 */
export function address(
  text: string | undefined,
  usual: string,
  wrong: (text: string) => string | undefined,
): string {
  if (!text) return usual
  const must = wrong(text)
  if (must !== undefined)
    throw credentialTrouble(`The address set for this upstream cannot be used: it must ${must}.`)
  return text.replace(/\/+$/, '')
}
