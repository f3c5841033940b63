/**
 * Which addresses a list of domains covers: `example.com` itself, every name under it, and with a path what lies below
 * that path, where `*` stands for anything. https://docs.claude.com/en/docs/agents-and-tools/tool-use/server-tools
 */

const HOST = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i

/** What is wrong with an entry of such a list, or undefined. */
export function domainFault(domain: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(domain)) return 'must not include a scheme; write "example.com"'
  const [host = ''] = domain.split('/')
  if (host.includes('*')) return 'a wildcard may stand in the path only, as in "example.com/*"'
  if (host.length > 253 || !HOST.test(host)) return 'must be a domain such as "example.com"'
  return undefined
}

/** Whether one of these domains covers the address. */
export function covered(address: string, domains: readonly string[]): boolean {
  if (!URL.canParse(address)) return false
  const { hostname, pathname } = new URL(address)
  const host = hostname.toLowerCase().replace(/\.$/, '')
  return domains.some((domain) => {
    const slash = domain.indexOf('/')
    const name = (slash < 0 ? domain : domain.slice(0, slash)).toLowerCase()
    if (host !== name && !host.endsWith(`.${name}`)) return false
    return slash < 0 || liesBelow(pathname, domain.slice(slash))
  })
}

/** Piece by piece, each at the first place it fits: no pattern makes this slow. */
function liesBelow(path: string, pattern: string): boolean {
  const [head = '', ...pieces] = pattern.split('*')
  if (!path.startsWith(head)) return false
  const last = pieces.pop()
  if (last === undefined) return endsAt(path, head.length)
  let at = head.length
  for (const piece of pieces) {
    const found = path.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  for (let found = path.indexOf(last, at); found >= 0; found = path.indexOf(last, found + 1)) {
    if (endsAt(path, found + last.length)) return true
    if (last === '') return true
  }
  return false
}

/** `/blog` covers `/blog` and `/blog/post`, but not `/blogging`. */
function endsAt(path: string, at: number): boolean {
  return at === path.length || path[at] === '/' || path[at - 1] === '/'
}
