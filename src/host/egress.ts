/**
 * What a host lends the guarded fetch: name servers asked directly, and a connection that goes where it is told. Bun and
 * Deno have these modules of Node's, too; test/whole/egress.test.ts has them show that they keep the promise.
 * https://nodejs.org/docs/latest-v20.x/api/dns.html#class-dnspromisesresolver
 * https://undici.nodejs.org/#/docs/api/Connector
 */
import { Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector, Client } from 'undici/index.js' // by the bare name Bun has a stand-in of its own
import type { PinnedEgress } from '../egress.ts'
import { parseAddress } from '../protocol/addresses.ts'
import { asWebStream } from './webstream.ts'

interface Wish {
  /** Whether loopback may be reached. */
  loopback: boolean
  /** Name servers, as `address` or `address:port`; without them, the system's. */
  nameServers?: readonly string[]
  /** A certificate authority to trust instead of the usual ones, PEM. */
  ca?: string
}

const CONNECT_TIMEOUT = 10_000
const NEXT_ADDRESS_AFTER = 500
const RESOLVE = { timeout: 2_000, tries: 2 }

export function pinnedEgress({ loopback, nameServers, ca }: Wish): PinnedEgress {
  return {
    pins: true,
    loopback,

    /**
     * Not the system's own resolver: that one blocks a thread of four, which signing and hashing need as well, for as
     * long as a stranger's name server likes. The hosts file is not read.
     */
    async resolve(name, signal) {
      const resolver = new Resolver(RESOLVE)
      if (nameServers) resolver.setServers(nameServers)
      signal.addEventListener('abort', () => resolver.cancel(), { once: true })
      const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
      return [four, six].flatMap((found) => (found.status === 'fulfilled' ? found.value : []))
    },

    /** A connection for each request, so that none made under one judgement is used under another. */
    async send({ url, addresses, method, headers, body, signal }) {
      const client = new Client(url.origin, {
        connect: connectorTo(addresses, ca),
        pipelining: 0,
        headersTimeout: 0, // the caller's deadline covers both
        bodyTimeout: 0,
      })
      try {
        const answer = await client.request({
          path: url.pathname + url.search,
          method,
          headers: Object.fromEntries(headers),
          body: body ?? null,
          signal,
        })
        void client.close().catch(() => {}) // once the body has been read
        return {
          status: answer.statusCode,
          headers: headersOf(answer.headers),
          body: asWebStream(answer.body),
        }
      } catch (error) {
        void client.destroy().catch(() => {})
        throw error
      }
    },
  }
}

/** Knows these addresses for every name, and believes only the socket about where it went. */
function connectorTo(addresses: readonly string[], ca: string | undefined): buildConnector.connector {
  const known = addresses.map((address) => ({ address, family: isIP(address) }))
  const lookup: LookupFunction = (_name, { all }, found) => {
    const [first] = known
    if (!first) return found(new Error('no address'), '', 0)
    if (all) found(null, known)
    else found(null, first.address, first.family)
  }
  const dial = buildConnector({
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER,
    timeout: CONNECT_TIMEOUT,
    maxCachedSessions: 0,
    ...(ca === undefined ? {} : { ca }),
  } as buildConnector.BuildOptions)
  const allowed = new Set(addresses.map(canonical))
  return (options, connected) => {
    dial(options, (...outcome) => {
      const [error, socket] = outcome
      if (error) return connected(error, null)
      if (allowed.has(canonical(socket.remoteAddress ?? ''))) return connected(null, socket)
      socket.destroy()
      connected(new Error('connected to an address that was not judged'), null)
    })
  }
}

/** Addresses have several spellings. */
function canonical(address: string): string {
  return parseAddress(address)?.join('.') ?? 'none'
}

function headersOf(said: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(said)) {
    for (const each of [value ?? []].flat()) headers.append(name, each)
  }
  return headers
}
