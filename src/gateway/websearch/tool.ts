/**
 * The web search tool of a request: what its owner wants of it, and the ordinary tool that stands in its place, for
 * Bedrock has no tools of its own. https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool
 */
import { GatewayError } from '../../errors.ts'
import { hasAt } from '../../protocol/bytes.ts'
import type { Edit } from '../../protocol/edits.ts'
import { member, parse, type Value } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import { domainFault } from './domains.ts'

export const NAME = 'web_search'

export interface SearchTool {
  maxUses: number | undefined
  allowedDomains: readonly string[]
  blockedDomains: readonly string[]
  country?: string
  region?: string
  city?: string
  timezone?: string
  /** Puts the ordinary tool in the place of every version of this one. */
  edits: readonly Edit[]
}

const VERSIONED = new TextEncoder().encode('"web_search_')

/**
 * The call's web search tool, whichever version; undefined where it brings none.
 * @throws GatewayError invalid_request_error in Anthropic's words.
 */
export function searchToolOf({ body, outline }: Call): SearchTool | undefined {
  const tools = member(outline, 'tools')?.elements ?? []
  let found: Omit<SearchTool, 'edits'> | undefined
  const edits: Edit[] = []
  tools.forEach((tool, index) => {
    const type = member(tool, 'type')
    if (!type || !hasAt(body, type.start, VERSIONED)) return
    const said = parse<Said>(body, tool) ?? {}
    found = checked(said, `tools.${index}.${said.type}`)
    edits.push({ start: tool.start, end: tool.end, text: ordinaryTool(body, tool) })
  })
  return found && { ...found, edits }
}

interface Said {
  type?: string
  name?: unknown
  max_uses?: unknown
  allowed_domains?: unknown
  blocked_domains?: unknown
  user_location?: unknown
}

function checked(said: Said, path: string): Omit<SearchTool, 'edits'> {
  if (said.name !== NAME) throw invalid(`${path}.name: Input should be '${NAME}'`)
  const allowedDomains = domains(said.allowed_domains, `${path}.allowed_domains`)
  const blockedDomains = domains(said.blocked_domains, `${path}.blocked_domains`)
  if (allowedDomains.length > 0 && blockedDomains.length > 0) {
    throw invalid(`${path}: Only one of allowed_domains or blocked_domains may be set.`)
  }
  return {
    maxUses: maxUses(said.max_uses, `${path}.max_uses`),
    allowedDomains,
    blockedDomains,
    ...location(said.user_location, `${path}.user_location`),
  }
}

function maxUses(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalid(`${path}: Input should be a valid integer`)
  if (value <= 0) throw invalid(`${path}: Input should be greater than 0`)
  return value
}

function domains(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(`${path}: Input should be a valid list`)
  if (value.length === 0) {
    throw invalid(`${path}: Empty list of domains is ambiguous. Provide at least one domain or null.`)
  }
  return value.map((domain: unknown, index) => {
    if (typeof domain !== 'string') throw invalid(`${path}.${index}: Input should be a valid string`)
    const fault = domainFault(domain)
    if (fault !== undefined) throw invalid(`${path}.${index}: ${fault}`)
    return domain.replace(/\/$/, '')
  })
}

type Location = Pick<SearchTool, 'country' | 'region' | 'city' | 'timezone'>

function location(value: unknown, path: string): Location {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object') throw invalid(`${path}: Input should be a valid dictionary`)
  const parts = value as Record<string, unknown>
  if (parts['type'] !== 'approximate') throw invalid(`${path}.type: Input should be 'approximate'`)
  const country = parts['country']
  const said = ['region', 'city', 'timezone'].flatMap((name) => {
    const text = parts[name]
    return typeof text === 'string' && text !== '' ? [[name, text.slice(0, 255)]] : []
  })
  const isCode = typeof country === 'string' && /^[A-Za-z]{2}$/.test(country)
  return { ...(isCode ? { country: country.toUpperCase() } : {}), ...Object.fromEntries(said) }
}

/** What an ordinary tool may say too. Everything else is the server tool's own. */
const KEPT: readonly string[] = ['cache_control', 'defer_loading', 'strict']

function ordinaryTool(body: Uint8Array, tool: Value): string {
  const kept = tool.members?.filter(({ key }) => KEPT.includes(key)) ?? []
  const own = kept.map(({ start, end }) => `,${decoder.decode(body.subarray(start, end))}`)
  return `${ORDINARY.slice(0, -1)}${own.join('')}}`
}

const decoder = new TextDecoder()

/** The tool as a model without server tools knows it. */
export const ORDINARY = JSON.stringify({
  name: NAME,
  description:
    'Searches the web and gives back pages, each with its address, its title and what it says. For whatever is newer ' +
    'than your knowledge or has to be exact.',
  input_schema: {
    type: 'object',
    properties: { query: { type: 'string', description: 'What to search for' } },
    required: ['query'],
    additionalProperties: false,
  },
})

function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
