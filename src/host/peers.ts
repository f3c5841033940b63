/** Whose address a request comes from: that of the connection, or what a proxy that is trusted says of it. */
import { type Config, ConfigError } from '../config.ts'
import { clientOf, parseRange } from '../protocol/ranges.ts'

/** @throws ConfigError where a proxy is no address and no range. */
export function addressOf({
  trustedProxies,
}: Config): (request: Request, peer: string | undefined) => string | undefined {
  const ranges = trustedProxies.map((text) => {
    const range = parseRange(text)
    if (range) return range
    throw new ConfigError('TRUSTED_PROXIES must be addresses or ranges such as 10.0.0.0/8, comma-separated')
  })
  if (ranges.length === 0) return (_, peer) => peer
  return (request, peer) => clientOf(peer, request.headers.get('x-forwarded-for'), ranges)
}
