/**
 * Finding, in a conversation, what the user last asked for and what came back since.
 */
import { blocks, type Thing, text, thing, things } from './json.ts'

/** Words a client adds around the user's own. */
const ADDED = /<(system-reminder|command-[a-z]+|local-command-[a-z]+|task-notification)>[\s\S]*?<\/\1>/g

function hasResults(message: Thing): boolean {
  return blocks(message['content']).some((block) => block['type'] === 'tool_result')
}

export function wordsOf(message: Thing): string {
  const words = blocks(message['content'])
    .filter((block) => block['type'] === 'text')
    .map((block) => text(block['text']).replaceAll(ADDED, '').trim())
  return words.filter((each) => each !== '').join('\n')
}

/** The newest user message that `matches`, and how many answers the model has given since. */
export function newest(body: Thing, matches: (words: string) => boolean): { words: string; answers: number } {
  const messages = things(body['messages'])
  const index = messages.findLastIndex(
    (message) => message['role'] === 'user' && !hasResults(message) && matches(wordsOf(message)),
  )
  const since = messages.slice(index + 1).filter((message) => message['role'] === 'assistant')
  const found = messages[index]
  return { words: found ? wordsOf(found) : '', answers: since.length }
}

function sinceLastAnswer(body: Thing): Thing[] {
  const messages = things(body['messages'])
  const last = messages.findLastIndex((message) => message['role'] === 'assistant')
  return messages.slice(last + 1).flatMap((message) => [...blocks(message['content'])])
}

export interface Result {
  tool: string
  words: string
  failed: boolean
}

/** The tool results the model has not answered yet, each with the name of its tool. */
export function results(body: Thing): Result[] {
  const uses = things(body['messages']).flatMap((message) => [...blocks(message['content'])])
  const nameOf = new Map(
    uses.filter(({ type }) => type === 'tool_use').map(({ id, name }) => [id, text(name)]),
  )
  return sinceLastAnswer(body)
    .filter((block) => block['type'] === 'tool_result')
    .map((block) => ({
      tool: nameOf.get(block['tool_use_id']) ?? 'tool',
      words: blocks(block['content'])
        .map((inner) => text(inner['text']).replaceAll(ADDED, ''))
        .join('\n')
        .trim(),
      failed: block['is_error'] === true,
    }))
}

export function pictures(body: Thing): { bytes: number; mediaType: string }[] {
  return sinceLastAnswer(body)
    .flatMap((block) => (block['type'] === 'tool_result' ? [...blocks(block['content'])] : [block]))
    .filter((block) => block['type'] === 'image')
    .map((block) => {
      const source = thing(block['source'])
      return {
        bytes: Buffer.from(text(source['data']), 'base64').length,
        mediaType: text(source['media_type']),
      }
    })
}
