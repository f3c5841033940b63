/**
 * The web search tool of a request: what its owner wants of it.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool
 */
import type { Call } from '../../protocol/messages.ts'
import { dictionary, invalid, type Replacing, type Said, toolOf, type Wish, wishOf } from './tool.ts'

export interface SearchWish extends Wish {
  country?: string
  region?: string
  city?: string
  timezone?: string
}

export type SearchTool = SearchWish & Replacing

/**
 * The call's web search tool, whichever version; undefined where it brings none.
 * @throws GatewayError invalid_request_error in Anthropic's words.
 */
export function searchToolOf(call: Call): SearchTool | undefined {
  return toolOf(call, 'web_search', ORDINARY_SEARCH, checked)
}

function checked(tool: Said): SearchWish {
  const { said, path } = tool
  return { ...wishOf(tool), ...location(said['user_location'], `${path}.user_location`) }
}

type Location = Pick<SearchWish, 'country' | 'region' | 'city' | 'timezone'>

function location(value: unknown, path: string): Location {
  if (value === undefined || value === null) return {}
  const parts = dictionary(value, path)
  if (parts['type'] !== 'approximate') throw invalid(`${path}.type: Input should be 'approximate'`)
  const country = parts['country']
  const said = ['region', 'city', 'timezone'].flatMap((name) => {
    const text = parts[name]
    return typeof text === 'string' && text !== '' ? [[name, text.slice(0, 255)]] : []
  })
  const isCode = typeof country === 'string' && /^[A-Za-z]{2}$/.test(country)
  return { ...(isCode ? { country: country.toUpperCase() } : {}), ...Object.fromEntries(said) }
}

/** The tool as a model without server tools knows it. */
export const ORDINARY_SEARCH = {
  name: 'web_search',
  description:
    'Searches the web and gives back pages, each with its address, its title and what it says. For whatever is newer ' +
    'than your knowledge or has to be exact.',
  input_schema: {
    type: 'object',
    properties: { query: { type: 'string', description: 'What to search for' } },
    required: ['query'],
    additionalProperties: false,
  },
}
