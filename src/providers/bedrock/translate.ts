/**
 * A Messages request as InvokeModel takes it: edits on the client's own bytes, so that everything not named here
 * arrives as it was sent. What Bedrock refuses: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
 */
import { type Bytes, hasAt } from '../../protocol/bytes.ts'
import { type Edit, splice, without } from '../../protocol/edits.ts'
import { hex } from '../../protocol/ids.ts'
import { member, parse, type Value, values } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Generation } from '../../protocol/models.ts'
import { bedrockBetas } from './betas.ts'

/** The one version that every Claude model on Bedrock takes. */
const VERSION = 'bedrock-2023-05-31'

interface Target {
  /** Of the model; the newest where an ARN does not say which it is. */
  generation: Generation
  /** Keys the pseudonym of `metadata.user_id`. */
  secret: string
  /** What to say where the call does not, as calls that are only counted may. */
  maxTokens?: number
}

/** The InvokeModel body of a call. */
export async function translate(call: Call, target: Target): Promise<Bytes> {
  const { body, outline } = call
  const system = systemPrompt(body, outline)
  const context = contextManagement(body, outline)
  const gone = new Set([
    'model',
    'stream',
    'anthropic_version',
    'anthropic_beta',
    ...system.gone,
    ...context.gone,
  ])
  return splice(body, [
    versionAndBetas(call, target),
    ...without(outline.members, ({ key }) => gone.has(key)),
    ...system.edits,
    ...context.edits,
    ...cacheControls(outline, target),
    ...conversation(body, outline),
    ...thinking(outline, target),
    ...(await userIds(body, outline, target)),
  ])
}

/** What becomes of a top-level field: edits inside it, or its removal. */
interface Outcome {
  gone: string[]
  edits: Edit[]
}

/** What the headers said is said in the body. */
function versionAndBetas({ outline, betas }: Call, { generation, maxTokens }: Target): Edit {
  const sent = bedrockBetas(betas, generation)
  let text = `"anthropic_version":"${VERSION}",`
  if (sent.length > 0) text += `"anthropic_beta":${JSON.stringify(sent)},`
  if (maxTokens !== undefined && !member(outline, 'max_tokens')) text += `"max_tokens":${maxTokens},`
  return { start: outline.start + 1, end: outline.start + 1, text }
}

/** `cache_control` may say `type` and, from 4.5 on, `ttl`; Bedrock refuses its other keys, such as `scope`. */
function cacheControls(outline: Value, { generation }: Target): Edit[] {
  const allowed = new Set(generation >= 4.5 ? ['type', 'ttl'] : ['type'])
  const edits: Edit[] = []
  for (const holder of cacheable(outline)) {
    for (const control of values(holder, 'cache_control')) {
      edits.push(...without(control.members, ({ key }) => !allowed.has(key)))
    }
  }
  return edits
}

/** Every value that may carry a breakpoint, at any depth. */
function* cacheable(outline: Value): Generator<Value> {
  for (const tools of values(outline, 'tools')) yield* tools.elements ?? []
  for (const system of values(outline, 'system')) yield* blocks(system)
  for (const message of messagesIn(outline)) {
    for (const content of values(message, 'content')) yield* blocks(content)
  }
}

function* blocks(content: Value): Generator<Value> {
  for (const block of content.elements ?? []) {
    yield block
    for (const inner of values(block, 'content')) yield* blocks(inner)
  }
}

function messagesIn(outline: Value): Value[] {
  return values(outline, 'messages').flatMap((messages) => messages.elements ?? [])
}

/**
 * Settings of a single message are unknown to Bedrock. Claude Code also sends system messages that carry nothing
 * but such settings: without them nothing is left to send.
 */
function conversation(body: Bytes, outline: Value): Edit[] {
  return [
    ...values(outline, 'messages').flatMap(({ elements }) =>
      without(elements, (each) => isEmptySystem(body, each)),
    ),
    ...messagesIn(outline).flatMap(({ members }) => without(members, ({ key }) => key === 'output_config')),
  ]
}

function isEmptySystem(body: Bytes, message: Value): boolean {
  const role = member(message, 'role')
  const isEmpty = member(message, 'content')?.elements?.length === 0
  return isEmpty && role !== undefined && parse<unknown>(body, role) === 'system'
}

const ATTRIBUTION = new TextEncoder().encode('"x-anthropic-billing-header:')

/** Claude Code's attribution line is for Anthropic: Bedrock refuses it, and it changes under the cached prefix. */
function systemPrompt(body: Bytes, outline: Value): Outcome {
  const edits: Edit[] = []
  for (const system of values(outline, 'system')) {
    const { elements } = system
    if (!elements) {
      edits.push(...attributionInText(body, system))
      continue
    }
    const lines = elements.filter((block) => isAttribution(body, block))
    if (lines.length > 0 && lines.length === elements.length) return { gone: ['system'], edits: [] }
    edits.push(...without(elements, (block) => lines.includes(block)))
  }
  return { gone: [], edits }
}

function isAttribution(body: Bytes, block: Value): boolean {
  const text = member(block, 'text')
  return text !== undefined && hasAt(body, text.start, ATTRIBUTION)
}

function attributionInText(body: Bytes, system: Value): Edit[] {
  if (!hasAt(body, system.start, ATTRIBUTION)) return []
  const [, ...rest] = parse<string>(body, system)?.split('\n') ?? []
  return [{ start: system.start, end: system.end, text: JSON.stringify(rest.join('\n')) }]
}

/** Of all context edits InvokeModel knows compaction only. */
function contextManagement(body: Bytes, outline: Value): Outcome {
  const edits = member(member(outline, 'context_management'), 'edits')?.elements ?? []
  const isCompaction = (edit: Value) => {
    const type = member(edit, 'type')
    return type !== undefined && String(parse<unknown>(body, type)).startsWith('compact_')
  }
  if (!edits.some(isCompaction)) return { gone: ['context_management'], edits: [] }
  return { gone: [], edits: without(edits, (edit) => !isCompaction(edit)) }
}

/** Models before the fifth generation do not know what `display` is. */
function thinking(outline: Value, { generation }: Target): Edit[] {
  if (generation >= 5) return []
  return values(outline, 'thinking').flatMap(({ members }) =>
    without(members, ({ key }) => key === 'display'),
  )
}

/** Bedrock refuses user ids with characters outside these; Claude Code's is a JSON text. */
const QUOTE = 0x22
const PLAIN_ID = /^"[A-Za-z0-9_.@-]{1,256}"$/

/** Such an id becomes a pseudonym: the same one for the same user, on every replica. */
async function userIds(body: Bytes, outline: Value, { secret }: Target): Promise<Edit[]> {
  const edits: Edit[] = []
  for (const { start, end } of values(outline, 'metadata').flatMap((metadata) =>
    values(metadata, 'user_id'),
  )) {
    const id = body.slice(start, end)
    if (id[0] !== QUOTE || PLAIN_ID.test(new TextDecoder().decode(id))) continue
    edits.push({ start, end, text: `"${await pseudonym(id, secret)}"` })
  }
  return edits
}

/** 128 bits of HMAC-SHA-256, hexadecimal. */
async function pseudonym(id: Bytes, secret: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, [
    'sign',
  ])
  return hex(new Uint8Array(await crypto.subtle.sign('HMAC', key, id), 0, 16))
}
