/**
 * The little language that leads the default brain: lines of the prompt that begin with `!`, one an answer.
 *
 *   !bash <command>      call Bash                     !parallel <a> || <b>   call Bash several times at once
 *   !read <path>         call Read                     !agent <prompt>        call the Agent (or Task) tool
 *   !think <words>       think these words first       !long <n>              an answer of n deltas
 *   !say <words>         answer with these words       !call <Tool> <json>    call any tool, digits kept
 *   !redact <words>      a redacted thinking block     !stop <reason>         answer with this stop_reason
 */
import { type Thing, text, things } from './json.ts'
import type { Plan, PlanBlock } from './plan.ts'
import { sampleOf } from './sample.ts'

const LINE = /^!(bash|parallel|read|agent|think|long|say|call|redact|stop)\b[ \t]*(.*)$/

export interface Directive {
  verb: string
  rest: string
}

export function directives(words: string): Directive[] {
  return words.split('\n').flatMap((line) => {
    const [, verb, rest = ''] = LINE.exec(line.trim()) ?? []
    return verb === undefined ? [] : [{ verb, rest }]
  })
}

export function obey({ verb, rest }: Directive, body: Thing): Plan {
  switch (verb) {
    case 'bash':
      return calls([bash(rest)])
    case 'parallel':
      return calls(rest.split('||').map((command) => bash(command.trim())))
    case 'read':
      return calls([{ type: 'tool_use', name: 'Read', input: { file_path: rest } }])
    case 'agent':
      return calls([agent(rest, body)])
    case 'call': {
      const [name = '', ...input] = rest.split(' ')
      return calls([{ type: 'tool_use', name, input: input.join(' ') || '{}' }])
    }
    case 'think':
      return says([
        { type: 'thinking', thinking: rest },
        { type: 'text', text: `I thought about it: ${rest}` },
      ])
    case 'redact':
      return says([
        { type: 'redacted_thinking', thinking: rest },
        { type: 'text', text: 'I would rather not say what I thought.' },
      ])
    case 'long':
      return says([long(Math.min(Number.parseInt(rest, 10) || 1, 1_000_000))])
    case 'stop':
      return { content: [{ type: 'text', text: `Stopping: ${rest}.` }], stop_reason: rest }
    default:
      return says([{ type: 'text', text: rest }])
  }
}

function says(content: PlanBlock[]): Plan {
  return { content }
}

function calls(content: PlanBlock[]): Plan {
  return { content, stop_reason: 'tool_use' }
}

function bash(command: string): PlanBlock {
  return { type: 'tool_use', name: 'Bash', input: { command, description: 'Run the command' } }
}

function agent(prompt: string, body: Thing): PlanBlock {
  const tool = things(body['tools']).find(({ name }) => name === 'Agent' || name === 'Task')
  const wishes = {
    description: 'Ask an agent',
    prompt,
    subagent_type: 'general-purpose',
    run_in_background: false,
  }
  const input = sampleOf(tool?.['input_schema'] ?? { type: 'object' }, wishes)
  return { type: 'tool_use', name: text(tool?.['name']) || 'Agent', input: input as Thing }
}

function long(deltas: number): PlanBlock {
  const words = Array.from({ length: deltas }, (_, index) => `word${index + 1} `)
  return { type: 'text', text: words.join('').trimEnd(), deltas }
}
