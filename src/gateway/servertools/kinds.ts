/** The server tools there are, and which of them a request brings. */
import type { Call } from '../../protocol/messages.ts'
import { FETCH } from './fetched.ts'
import { type FetchTool, fetchToolOf } from './fetchtool.ts'
import type { Kind, ToolName } from './outcome.ts'
import { SEARCH } from './searched.ts'
import { type SearchTool, searchToolOf } from './searchtool.ts'

export const KINDS: readonly Kind[] = [SEARCH, FETCH]

export interface ServerTools {
  search: SearchTool | undefined
  fetch: FetchTool | undefined
}

/** Those that the upstream has not got itself. */
export function serverToolsOf(call: Call, native: readonly ToolName[]): ServerTools {
  return {
    search: native.includes('web_search') ? undefined : searchToolOf(call),
    fetch: native.includes('web_fetch') ? undefined : fetchToolOf(call),
  }
}
