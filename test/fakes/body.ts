/**
 * The InvokeModel body for Claude, field by field, for one model and the betas that came with the body.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
 */
import { type Allowed, cacheControl } from './allowed.ts'
import type { Model } from './models.ts'
import { anything, boolean, object, type Shape, string } from './shape.ts'
import { toolShape } from './tools.ts'

/** `object` with a `type` tag that the tagged union already looked at. */
function tagged(fields: Record<string, Shape>, required: readonly string[] = []): Shape {
  return object({ type: string, ...fields }, required)
}

function textShape(model: Model): Shape {
  return tagged({ text: string, cache_control: cacheControl(model), citations: anything }, ['text'])
}

const MEDIA_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

function base64(mediaTypes: readonly string[]): Shape {
  const data: Shape = { is: 'string', least: 1, pattern: /^[A-Za-z0-9+/]+={0,2}$/ }
  return tagged({ media_type: { is: 'string', oneOf: mediaTypes }, data }, ['media_type', 'data'])
}

function imageShape(model: Model): Shape {
  const source: Shape = { is: 'tagged', tags: { base64: base64(MEDIA_TYPES) } }
  return tagged({ source, cache_control: cacheControl(model) }, ['source'])
}

function documentShape(model: Model): Shape {
  const plain = tagged({ media_type: { is: 'string', oneOf: ['text/plain'] }, data: string }, [
    'media_type',
    'data',
  ])
  const content: Shape = { is: 'textOr', other: { is: 'list', of: contentOf({ text: textShape(model) }) } }
  const source: Shape = {
    is: 'tagged',
    tags: { base64: base64(['application/pdf']), text: plain, content: tagged({ content }, ['content']) },
  }
  const optional = {
    title: anything,
    context: anything,
    citations: anything,
    cache_control: cacheControl(model),
  }
  return tagged({ source, ...optional }, ['source'])
}

function searchResultShape(model: Model): Shape {
  const content: Shape = { is: 'list', of: contentOf({ text: textShape(model) }) }
  return tagged(
    { source: string, title: string, content, citations: anything, cache_control: cacheControl(model) },
    ['source', 'title', 'content'],
  )
}

function contentOf(tags: Record<string, Shape>): Shape {
  return { is: 'tagged', tags }
}

const ID: Shape = { is: 'string', pattern: /^[a-zA-Z0-9_-]+$/ }

function toolResultShape(allowed: Allowed, given: Record<string, Shape>): Shape {
  const reference = allowed.betas.includes('tool-search-tool-2025-10-19')
    ? {
        tool_reference: tagged({ tool_name: string, cache_control: cacheControl(allowed.model) }, [
          'tool_name',
        ]),
      }
    : {}
  const content: Shape = { is: 'textOr', other: { is: 'list', of: contentOf({ ...given, ...reference }) } }
  return tagged({ tool_use_id: ID, content, is_error: boolean, cache_control: cacheControl(allowed.model) }, [
    'tool_use_id',
  ])
}

function messageShape(allowed: Allowed): Shape {
  const { model } = allowed
  const given = {
    text: textShape(model),
    image: imageShape(model),
    document: documentShape(model),
    search_result: searchResultShape(model),
  }
  const toolUse = (id: Shape) =>
    tagged(
      {
        id,
        name: string,
        input: { is: 'object', fields: {}, open: true },
        cache_control: cacheControl(model),
      },
      ['id', 'name', 'input'],
    )
  const user = contentOf({ ...given, tool_result: toolResultShape(allowed, given) })
  const assistant = contentOf({
    text: given.text,
    thinking: tagged({ thinking: string, signature: string }, ['thinking', 'signature']),
    redacted_thinking: tagged({ data: string }, ['data']),
    tool_use: toolUse(ID),
    server_tool_use: toolUse(ID),
    tool_search_tool_result: tagged({ tool_use_id: ID, content: anything }, ['tool_use_id', 'content']),
  })
  const system = contentOf({ text: given.text })
  const roles: Record<string, Shape> = { user, assistant, ...(model.systemTurns ? { system } : {}) }
  return { is: 'chosen', choose: (message) => turn(roles, message['role']) }
}

function turn(roles: Record<string, Shape>, role: unknown): Shape | { at: string; message: string } {
  const of = typeof role === 'string' && Object.hasOwn(roles, role) ? roles[role] : undefined
  if (role === undefined) return { at: 'role', message: 'Field required' }
  if (of === undefined) {
    const names = Object.keys(roles).map((name) => `'${name}'`)
    const last = names.pop()
    return { at: 'role', message: `Input should be ${names.join(', ')} or ${last}` }
  }
  return object({ role: string, content: { is: 'textOr', other: { is: 'list', of } } }, ['role', 'content'])
}

function thinkingShape({ model, betas }: Allowed): Shape {
  const updates = betas.includes('thinking-display-updates-2026-08-18') ? ['updates'] : []
  const display: Record<string, Shape> = model.thinkingDisplay
    ? { display: { is: 'string', oneOf: ['omitted', 'summarized', ...updates] } }
    : {}
  const binding: Record<string, Shape> = betas.includes('thinking-binding-controls-2026-08-01')
    ? { block_binding: object({ mismatch_behavior: string }) }
    : {}
  const budget: Shape = { is: 'number', whole: true, least: 1_024 }
  return {
    is: 'tagged',
    tags: {
      enabled: tagged({ budget_tokens: budget, ...display }, ['budget_tokens']),
      adaptive: tagged({ ...display, ...binding }),
      disabled: tagged({}),
    },
  }
}

function outputConfigShape(model: Model): Shape {
  const effort: Shape = {
    is: 'nullOr',
    other: { is: 'string', oneOf: ['low', 'medium', 'high', 'xhigh', 'max'] },
  }
  const format: Shape = {
    is: 'tagged',
    tags: { json_schema: tagged({ schema: anything, name: string }, ['schema']) },
  }
  return object({ effort, ...(model.structured ? { format } : {}) })
}

const EDITS: Shape = {
  is: 'list',
  of: { is: 'tagged', tags: { compact_20260112: { is: 'object', fields: { type: string }, open: true } } },
}

function byBeta(betas: readonly string[]): Record<string, Shape> {
  return {
    ...(betas.includes('compact-2026-01-12') ? { context_management: object({ edits: EDITS }) } : {}),
    ...(betas.includes('dangerous-tool-use-2026-09-03')
      ? {
          safeguards: {
            is: 'list',
            of: { is: 'tagged', tags: { dangerous_tool_use: tagged({ classifier_context: anything }) } },
          },
        }
      : {}),
  }
}

const FRACTION: Shape = { is: 'number', least: 0, most: 1 }

const TOOL_CHOICE: Shape = {
  is: 'tagged',
  tags: {
    auto: tagged({ disable_parallel_tool_use: boolean }),
    any: tagged({ disable_parallel_tool_use: boolean }),
    tool: tagged({ name: string, disable_parallel_tool_use: boolean }, ['name']),
    none: tagged({}),
  },
}

export function bodyShape(allowed: Allowed): Shape {
  const { model, betas } = allowed
  return object(
    {
      anthropic_version: { is: 'string', oneOf: ['bedrock-2023-05-31'] },
      anthropic_beta: { is: 'list', of: string },
      max_tokens: { is: 'number', whole: true, least: 1 },
      system: {
        is: 'textOr',
        other: { is: 'list', of: { is: 'tagged', tags: { text: textShape(model) }, silent: true } },
      },
      messages: { is: 'list', of: messageShape(allowed), least: 1 },
      tools: { is: 'list', of: toolShape(allowed) },
      tool_choice: TOOL_CHOICE,
      thinking: thinkingShape(allowed),
      output_config: outputConfigShape(model),
      metadata: object({ user_id: { is: 'nullOr', other: string } }),
      stop_sequences: { is: 'list', of: string },
      temperature: FRACTION,
      top_p: FRACTION,
      top_k: { is: 'number', whole: true, least: 0 },
      'amazon-bedrock-guardrailConfig': anything,
      ...byBeta(betas),
    },
    ['anthropic_version', 'max_tokens', 'messages'],
  )
}
