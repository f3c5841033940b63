/**
 * The default brain: a tiny model that obeys the directives in a prompt, reports what tools and pictures said, and
 * otherwise says who it is.
 */
import { directives, obey } from './directives.ts'
import { list, type Thing, text, thing, things } from './json.ts'
import type { About, Brain, Plan, PlanBlock } from './plan.ts'
import { newest, pictures, type Result, results } from './prompt.ts'
import { sampleOf } from './sample.ts'

export const brain: Brain = (body, about) => bounded(thoughtful(plan(body, about), body), body)

function plan(body: Thing, about: About): Plan {
  const asked = newest(body, (words) => directives(words).length > 0)
  const next = directives(asked.words)[asked.answers]
  if (next !== undefined && possible(next.verb, body)) return obey(next, body)
  return (
    forced(body) ??
    structured(body) ??
    formatted(body) ?? { content: [{ type: 'text', text: words(body, about) }] }
  )
}

/** A client that wants structured output brings a tool for it, and insists. */
function structured(body: Thing): Plan | undefined {
  const tool = things(body['tools']).find(({ name }) => name === 'StructuredOutput')
  if (!tool || results(body).some((result) => result.tool === 'StructuredOutput')) return undefined
  const input = thing(sampleOf(tool['input_schema']))
  return { content: [{ type: 'tool_use', name: 'StructuredOutput', input }], stop_reason: 'tool_use' }
}

/** Side requests (titles, probes) repeat the prompt but bring no tools. */
function possible(verb: string, body: Thing): boolean {
  const calls = ['bash', 'parallel', 'read', 'agent', 'call'].includes(verb)
  return !calls || list(body['tools']).length > 0
}

function forced(body: Thing): Plan | undefined {
  const choice = thing(body['tool_choice'])
  if (choice['type'] !== 'any' && choice['type'] !== 'tool') return undefined
  if (results(body).length > 0) return undefined
  const tools = things(body['tools'])
  const tool = tools.find(({ name }) => name === choice['name']) ?? tools[0]
  const input = sampleOf(tool?.['input_schema'] ?? { type: 'object' })
  return {
    content: [{ type: 'tool_use', name: text(tool?.['name']), input: thing(input) }],
    stop_reason: 'tool_use',
  }
}

function formatted(body: Thing): Plan | undefined {
  const format = thing(thing(body['output_config'])['format'])
  if (format['schema'] === undefined) return undefined
  return { content: [{ type: 'text', text: JSON.stringify(sampleOf(format['schema'])) }] }
}

function words(body: Thing, about: About): string {
  const reports = results(body).map(report)
  const seen = pictures(body).map(
    ({ bytes, mediaType }) => `I see an image of ${bytes} bytes (${mediaType}).`,
  )
  const all = [...reports, ...seen].filter((each) => each !== '')
  return all.length > 0 ? all.join('\n') : greeting(body, about)
}

function report({ tool, words: said, failed }: Result): string {
  if (said === '') return ''
  if (failed) return `${tool} failed: ${said}`
  if (tool === 'Bash') return `The command printed: ${said}`
  if (tool === 'Agent' || tool === 'Task') return `The agent reported: ${said}`
  return `${tool} said: ${said}`
}

function greeting(body: Thing, { modelId }: About): string {
  const last =
    newest(body, (each) => each !== '')
      .words.split('\n')
      .at(-1) ?? ''
  const tail = last.length > 120 ? `…${last.slice(-120)}` : last
  const echo = tail === '' ? '' : ` You said: “${tail}”`
  return `Hello from Outcrop's built-in fake Bedrock, answering as ${modelId}. Nothing was sent to AWS.${echo}`
}

/** A model that is asked to think, thinks. */
function thoughtful(said: Plan, body: Thing): Plan {
  const type = thing(body['thinking'])['type']
  const thinks = (type === 'enabled' || type === 'adaptive') && Number(body['max_tokens']) > 16
  const isThought = (block: PlanBlock) => block.type === 'thinking' || block.type === 'redacted_thinking'
  if (!thinks) return { ...said, content: said.content.filter((block) => !isThought(block)) }
  if (said.content.some(isThought)) return said
  const calls = said.content.some((block) => block.type === 'tool_use')
  const thinking = calls
    ? 'A tool will tell. I call it and read what it says.'
    : 'Nothing more to find out. I answer.'
  return { ...said, content: [{ type: 'thinking', thinking }, ...said.content] }
}

/** Cuts text at a stop sequence, and at `max_tokens` (four characters a token). */
function bounded(said: Plan, body: Thing): Plan {
  const only = said.content.length === 1 ? said.content[0] : undefined
  if (only?.type !== 'text') return said
  const stop = list(body['stop_sequences'])
    .map(text)
    .find((each) => only.text.includes(each))
  if (stop !== undefined) {
    const kept = only.text.slice(0, only.text.indexOf(stop))
    return { ...said, content: [{ ...only, text: kept }], stop_reason: 'stop_sequence', stop_sequence: stop }
  }
  const most = Number(body['max_tokens']) * 4
  if (only.text.length <= most) return said
  return { ...said, content: [{ ...only, text: only.text.slice(0, most) }], stop_reason: 'max_tokens' }
}
