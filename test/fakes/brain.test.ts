/** The default brain does as it is told, reports what came back, and says who it is. */
import { expect, test } from 'vitest'
import { brain } from './brain.ts'
import { said } from './caller.ts'
import type { Thing } from './json.ts'

const ABOUT = { modelId: 'us.anthropic.claude-opus-5-5', operation: 'stream' } as const
const TOOLS = [{ name: 'Bash' }, { name: 'Read' }]

const answerTo = (body: Thing) => brain(body, ABOUT)
const wordsTo = (body: Thing) =>
  answerTo(body).content.map((block) => ('text' in block ? block.text : block.type))

function after(directive: string, ...results: Thing[]): Thing {
  const uses = results.map((_, index) => ({ type: 'tool_use', id: `t${index}`, name: 'Bash', input: {} }))
  const content = results.map((result, index) => ({
    type: 'tool_result',
    tool_use_id: `t${index}`,
    ...result,
  }))
  const messages = [
    { role: 'user', content: directive },
    { role: 'assistant', content: uses },
    { role: 'user', content },
  ]
  return said('', { messages, tools: TOOLS })
}

test('without a directive it says who it is and what it heard', () => {
  expect(wordsTo(said('Please greet the marmots'))).toEqual([
    "Hello from Outcrop's built-in fake Bedrock, answering as us.anthropic.claude-opus-5-5. Nothing was sent to AWS. " +
      'You said: “Please greet the marmots”',
  ])
})

test('words a client adds are not the prompt', () => {
  const reminder = { type: 'text', text: '<system-reminder>\n!bash rm\n</system-reminder>' }
  const [words] = wordsTo(said([reminder, { type: 'text', text: 'hello' }], { tools: TOOLS }))
  expect(words).toContain('You said: “hello”')
})

test('!bash calls Bash, then reports what it printed', () => {
  expect(answerTo(said('!bash echo hi', { tools: TOOLS }))).toEqual({
    content: [
      { type: 'tool_use', name: 'Bash', input: { command: 'echo hi', description: 'Run the command' } },
    ],
    stop_reason: 'tool_use',
  })
  expect(wordsTo(after('!bash echo hi', { content: 'hi' }))).toEqual(['The command printed: hi'])
})

test('several lines are obeyed one answer at a time', () => {
  const second = answerTo(after('!bash a\n!read /b', { content: 'a' }))
  expect(second.content).toEqual([{ type: 'tool_use', name: 'Read', input: { file_path: '/b' } }])
})

test('!parallel calls several, and reports each, failures too', () => {
  expect(answerTo(said('!parallel echo a || echo b', { tools: TOOLS })).content).toHaveLength(2)
  expect(wordsTo(after('!parallel a || b', { content: 'a' }, { content: 'no', is_error: true }))).toEqual([
    'The command printed: a\nBash failed: no',
  ])
})

test('!agent fills the schema of the tool there is', () => {
  const schema = {
    type: 'object',
    required: ['description', 'prompt'],
    properties: {
      description: { type: 'string' },
      prompt: { type: 'string' },
      subagent_type: { type: 'string' },
    },
  }
  const body = said('!agent !bash echo deep', { tools: [{ name: 'Task', input_schema: schema }] })
  expect(answerTo(body).content).toEqual([
    {
      type: 'tool_use',
      name: 'Task',
      input: { description: 'Ask an agent', prompt: '!bash echo deep', subagent_type: 'general-purpose' },
    },
  ])
})

test('!call keeps every digit', () => {
  const [block] = answerTo(
    said('!call Count {"n":12345678901234567890}', { tools: [{ name: 'Count' }] }),
  ).content
  expect(block).toMatchObject({ input: '{"n":12345678901234567890}' })
})

test('it thinks when it is asked to think', () => {
  const thinking = { thinking: { type: 'adaptive' } }
  expect(wordsTo(said('!think deep', thinking))).toEqual(['thinking', 'I thought about it: deep'])
  expect(wordsTo(said('!think deep'))).toEqual(['I thought about it: deep'])
  expect(wordsTo(said('hello', thinking))[0]).toBe('thinking')
})

test('!long is as long as it says', () => {
  expect(answerTo(said('!long 3')).content).toEqual([{ type: 'text', text: 'word1 word2 word3', deltas: 3 }])
})

test('it sees pictures, also in a tool result', () => {
  const source = { type: 'base64', media_type: 'image/png', data: Buffer.alloc(68).toString('base64') }
  const image = { type: 'image', source }
  expect(wordsTo(said([image, { type: 'text', text: 'what is it?' }]))).toEqual([
    'I see an image of 68 bytes (image/png).',
  ])
  expect(wordsTo(after('!read /a.png', { content: [image] }))).toEqual([
    'I see an image of 68 bytes (image/png).',
  ])
})

test('a forced tool is called with the least its schema takes', () => {
  const schema = {
    type: 'object',
    required: ['n', 'kind'],
    properties: { n: { type: 'integer' }, kind: { enum: ['a', 'b'] } },
  }
  const body = said('go', {
    tools: [{ name: 'T', input_schema: schema }],
    tool_choice: { type: 'tool', name: 'T' },
  })
  expect(answerTo(body).content).toEqual([{ type: 'tool_use', name: 'T', input: { n: 1, kind: 'a' } }])
})

test('max_tokens and stop sequences end the answer', () => {
  expect(answerTo(said('!say abcdefgh', { max_tokens: 1 }))).toMatchObject({ stop_reason: 'max_tokens' })
  expect(answerTo(said('!say one STOP two', { stop_sequences: ['STOP'] }))).toEqual({
    content: [{ type: 'text', text: 'one ' }],
    stop_reason: 'stop_sequence',
    stop_sequence: 'STOP',
  })
})

test('a tool for structured output is called once', () => {
  const tools = [{ name: 'StructuredOutput', input_schema: { type: 'object', properties: {}, required: [] } }]
  expect(answerTo(said('Which animal?', { tools })).stop_reason).toBe('tool_use')
  const use = { type: 'tool_use', id: 't0', name: 'StructuredOutput', input: {} }
  const result = { type: 'tool_result', tool_use_id: 't0', content: 'ok' }
  const messages = [
    { role: 'user', content: 'Which animal?' },
    { role: 'assistant', content: [use] },
    { role: 'user', content: [result] },
  ]
  expect(wordsTo(said('', { messages, tools }))).toEqual(['StructuredOutput said: ok'])
})
