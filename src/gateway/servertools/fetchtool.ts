/**
 * The web fetch tool of a request: what its owner wants of it, and whose addresses may be fetched.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-fetch-tool
 */
import { member, parse } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import { dictionary, figure, invalid, type Replacing, type Said, toolOf, type Wish, wishOf } from './tool.ts'

export interface FetchWish extends Wish {
  /** Of text, by estimate. */
  maxContentTokens: number | undefined
  /** Whether the model is to be able to cite what was fetched. */
  cited: boolean
  sources: UrlSources
}

/** Whose addresses may be fetched: of the user's messages, and of the results of which tools. */
export interface UrlSources {
  user: boolean
  /** Undefined: the name of the tool is not known. */
  client(tool: string | undefined): boolean
  server(tool: string): boolean
}

export type FetchTool = FetchWish & Replacing

/**
 * The call's web fetch tool, whichever version; undefined where it brings none.
 * @throws GatewayError invalid_request_error in Anthropic's words.
 */
export function fetchToolOf(call: Call): FetchTool | undefined {
  return toolOf(call, 'web_fetch', ORDINARY_FETCH, (tool) => checked(tool, () => toolNames(call)))
}

function toolNames({ body, outline }: Call): unknown[] {
  const tools = member(outline, 'tools')?.elements ?? []
  return tools.map((tool) => {
    const name = member(tool, 'name')
    return name && parse<unknown>(body, name)
  })
}

function checked(tool: Said, names: () => unknown[]): FetchWish {
  const { said, path } = tool
  return {
    ...wishOf(tool),
    maxContentTokens: figure(said['max_content_tokens'], `${path}.max_content_tokens`),
    cited: cited(said['citations'], `${path}.citations`),
    sources: sourcesOf(said['url_sources'], `${path}.url_sources`, names),
  }
}

function cited(value: unknown, path: string): boolean {
  if (value === undefined || value === null) return false
  const { enabled } = dictionary(value, path)
  if (enabled !== undefined && typeof enabled !== 'boolean')
    throw invalid(`${path}.enabled: Input should be a valid boolean`)
  return enabled === true
}

/** What is not understood is refused: to pass over a bound would be to fetch what was not to be fetched. */
function sourcesOf(value: unknown, path: string, names: () => unknown[]): UrlSources {
  const said = value === undefined || value === null ? {} : dictionary(value, path)
  const known = ['user_input', 'client_tool_results', 'server_tool_results']
  const odd = Object.keys(said).find((key) => !known.includes(key))
  if (odd !== undefined) throw invalid(`${path}.${odd}: Extra inputs are not permitted`)
  const permits = (key: string) => filterOf(said[key], `${path}.${key}`, names)
  const user = permits('user_input')
  return {
    user: user('user'),
    client: permits('client_tool_results'),
    server: permits('server_tool_results'),
  }
}

type Filter = (tool: string | undefined) => boolean

function filterOf(value: unknown, path: string, names: () => unknown[]): Filter {
  if (value === undefined) return () => true
  const { type, tools } = dictionary(value, path)
  if (type === 'all') return () => true
  if (type === 'none') return () => false
  const isOfTools = !path.endsWith('.user_input') && (type === 'only' || type === 'except')
  if (!isOfTools) throw invalid(`${path}.type: Input should be a known kind of source`)
  if (!Array.isArray(tools)) throw invalid(`${path}.tools: Input should be a valid list`)
  const listed = tools.map((each: unknown, index) => {
    const { name } = dictionary(each, `${path}.tools.${index}`)
    if (!names().includes(name))
      throw invalid(`${path}.tools.${index}.name: No tool of this name is in tools`)
    return name
  })
  return (tool) => tool !== undefined && listed.includes(tool) === (type === 'only')
}

/** The tool as a model without server tools knows it. */
export const ORDINARY_FETCH = {
  name: 'web_fetch',
  description:
    'Fetches a page of the web, or a PDF, and gives back what it says. Only URLs that stand in this conversation ' +
    'already can be fetched: in a message of the user, in the result of a tool, or in a page found before. Give the ' +
    'URL exactly as it stands there.',
  input_schema: {
    type: 'object',
    properties: { url: { type: 'string', description: 'The whole URL, beginning with https://' } },
    required: ['url'],
    additionalProperties: false,
  },
}
