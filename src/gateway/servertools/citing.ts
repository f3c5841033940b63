/**
 * Whether what we give the model may be cited. Search results of Anthropic's always may, pages where the tool says so;
 * but all of one sort in a request must be alike, and none goes together with a schema for the answer.
 */
import { askedFormat } from '../../protocol/fields/structure.ts'
import { member, parse, type Value } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import { isBlock, messagesOf, ownBlocks, roleOf } from './blocks.ts'
import { asThing, type Citing } from './outcome.ts'

/** `cited`: what the web fetch tool of the request says, if it brings one. */
export function citingIn({ body, outline }: Call, cited: boolean | undefined): Citing {
  if (askedFormat(outline)) return { results: false, documents: false }
  const messages = messagesOf(outline)
  return {
    results: ownSetting(body, messages, 'search_result') ?? true,
    documents: ownSetting(body, messages, 'document') ?? cited ?? hasCitedPage(body, messages),
  }
}

/** What the first of the client's own says; it has seen to it that the others say the same. */
function ownSetting(
  body: Uint8Array,
  messages: readonly Value[],
  type: 'document' | 'search_result',
): boolean | undefined {
  for (const message of messages) {
    for (const own of ownBlocks(body, message, type)) {
      const citations = member(own, 'citations')
      return asThing(citations && parse<unknown>(body, citations))['enabled'] === true
    }
  }
  return undefined
}

/** A conversation that goes on without the tool stays as it was with it. */
function hasCitedPage(body: Uint8Array, messages: readonly Value[]): boolean {
  return messages.some(
    (message) =>
      roleOf(body, message) === 'assistant' &&
      (member(message, 'content')?.elements ?? []).some((block) => {
        if (!isBlock(body, block, 'web_fetch_tool_result')) return false
        const content = member(block, 'content')
        const page = asThing(asThing(content && parse<unknown>(body, content))['content'])
        return asThing(page['citations'])['enabled'] === true
      }),
  )
}
