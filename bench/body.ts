/** Messages bodies of any size, put together as Claude Code puts its own together: see the shape, not the words. */

export interface Wish {
  /** The length of the body. */
  bytes: number
  model: string
  stream: boolean
}

/** Below this size a conversation has a short prompt and no tools. */
const SMALL = 40_000
const CACHED = { type: 'ephemeral' }

/** @throws where `bytes` is less than the shortest body takes. */
export function messagesBody({ bytes, model, stream }: Wish): Buffer {
  const small = bytes < SMALL
  const messages: object[] = [
    { role: 'user', content: [{ type: 'text', text: 'Why does the second start hang?' }] },
  ]
  const body = {
    model,
    messages,
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.328.0a1; cc_entrypoint=cli;' },
      { type: 'text', text: 'You are a coding agent on the command line.', cache_control: CACHED },
      { type: 'text', text: prose(small ? 60 : 7_000), cache_control: CACHED },
    ],
    tools: small ? [] : Array.from({ length: 12 }, (_, at) => tool(at)),
    metadata: {
      user_id: JSON.stringify({ device_id: 'b7'.repeat(16), account_uuid: '', session_id: SESSION }),
    },
    max_tokens: 64_000,
    thinking: { type: 'adaptive', display: 'omitted' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    output_config: { effort: 'medium' },
    ...(stream ? { stream } : {}),
  }
  for (let at = 0; length(body) + TURN < bytes; at++) messages.push(...turn(at))
  const last = { type: 'text', text: '', cache_control: CACHED }
  messages.push({ role: 'user', content: [last] })
  const missing = bytes - length(body)
  if (missing < 0) throw new Error(`a body of ${bytes} bytes is too short to hold a conversation`)
  last.text = 'Go on. '.repeat(missing).slice(0, missing)
  return Buffer.from(JSON.stringify(body))
}

export const SESSION = '5c6f7d0e-0000-4000-8000-123456789abc'

function length(body: object): number {
  return Buffer.byteLength(JSON.stringify(body))
}

function tool(at: number): object {
  return {
    name: `Tool${at}`,
    description: prose(1_400),
    input_schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        file_path: { type: 'string', description: 'An absolute path' },
        limit: { type: 'number' },
      },
      required: ['file_path'],
      additionalProperties: false,
    },
  }
}

/** About how long a turn is, with its quotes and line ends escaped. */
const TURN = 5_000

/** The assistant thinks, says something and reads a file; the client gives it the file. */
function turn(at: number): object[] {
  const id = `toolu_${String(at).padStart(24, '0')}`
  const input = { file_path: `/home/dev/project/src/part-${at}.ts`, limit: 200 }
  return [
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: '', signature: 'Eq8DCkYIBxgCKkD'.repeat(40) },
        { type: 'text', text: prose(200) },
        { type: 'tool_use', id, name: 'Tool0', input },
      ],
    },
    {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: id, content: source(3_000), is_error: false }],
    },
  ]
}

/** What quotes, line ends and backslashes become in JSON is as frequent as in the prompts and files of a project. */
const PROSE = `Read a file before you change it, and read it again when somebody else may have. A "quick fix" that nobody has
run is a guess: run it – with the tests that are there, or with one that you write for it. Say what you did and what
you did not do. When a command fails, show what it said; do not go on as if it had worked.
`
const SOURCE = `  const renewal = setInterval(() => void renew(path, me, lost), RENEW_EVERY)
  renewal.unref()
  return {
    async release() {
      clearInterval(renewal)
      if ((await read(path))?.nonce === me.nonce) await rm(path, { force: true })
      else log.warn("the lock was lost", { path, pattern: /^\\d+$/ })
    },
  }
`

function prose(characters: number): string {
  return fill(PROSE, characters)
}

function source(characters: number): string {
  return fill(SOURCE, characters)
}

function fill(text: string, characters: number): string {
  return text.repeat(Math.ceil(characters / text.length)).slice(0, characters)
}
