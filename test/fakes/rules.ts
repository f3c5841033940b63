/**
 * Rules that need more than one field, or the model, to judge. Each gives the sentence Bedrock answers with.
 */
import { blocks, list, type Thing, text, thing, things } from './json.ts'
import type { Model, Thinking } from './models.ts'
import { readingOrder, weigh } from './tokens.ts'

export interface Ask {
  body: Thing
  model: Model
  modelId: string
  betas: readonly string[]
  operation: 'invoke' | 'stream' | 'count'
  thinking: Thinking | undefined
}

export type Rule = (ask: Ask) => string | undefined

export function attribution({ body }: Ask): string | undefined {
  const reserved = blocks(body['system']).some((block) =>
    text(block['text']).startsWith('x-anthropic-billing-header:'),
  )
  return reserved
    ? 'x-anthropic-billing-header is a reserved keyword and may not be used in the system prompt.'
    : undefined
}

export function thinkingFits({ body, model, thinking }: Ask): string | undefined {
  if (thinking === undefined) return undefined
  if (!model.thinking.includes(thinking)) {
    if (thinking === 'adaptive') return 'adaptive thinking is not supported on this model'
    if (thinking === 'disabled') return 'thinking.type.disabled is not supported for this model.'
    return (
      'thinking.type.enabled is not supported for this model. Use thinking.type.adaptive and output_config.effort ' +
      'to control thinking behavior.'
    )
  }
  const budget = Number(thing(body['thinking'])['budget_tokens'] ?? 0)
  if (thinking === 'enabled' && budget >= Number(body['max_tokens'])) {
    return '`max_tokens` must be greater than `thinking.budget_tokens`.'
  }
  return undefined
}

export function effort({ body, model }: Ask): string | undefined {
  const asked = thing(body['output_config'])['effort']
  if (asked === undefined || asked === null || model.efforts.includes(text(asked))) return undefined
  if (model.efforts.length === 0) return 'This model does not support the effort parameter.'
  return `output_config.effort: '${text(asked)}' is not supported for this model. Supported: ${model.efforts.join(', ')}`
}

export function sampling({ body, model, thinking }: Ask): string | undefined {
  const { temperature, top_p: topP, top_k: topK } = body
  if (!model.sampling) {
    if (temperature !== undefined && temperature !== 1) return '`temperature` is deprecated for this model.'
    if (topP !== undefined && Number(topP) < 0.99) return '`top_p` is deprecated for this model.'
    if (topK !== undefined) return '`top_k` is deprecated for this model.'
    return undefined
  }
  if (temperature !== undefined && topP !== undefined) {
    return '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'
  }
  const thinks = thinking === 'enabled' || thinking === 'adaptive'
  if (thinks && temperature !== undefined && temperature !== 1) {
    return '`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.'
  }
  return undefined
}

export function metadata({ body }: Ask): string | undefined {
  const userId = thing(body['metadata'])['user_id']
  if (typeof userId !== 'string' || /^[A-Za-z0-9_.@ -]{0,256}$/.test(userId)) return undefined
  return 'Request metadata contains a value that violates the regular expression ^[A-Za-z0-9_.@ -]{0,256}$'
}

export function outputLimit({ body, model }: Ask): string | undefined {
  const asked = Number(body['max_tokens'])
  if (asked <= model.maxOutput) return undefined
  return `max_tokens: ${asked} > ${model.maxOutput}, which is the maximum allowed number of output tokens for ${model.api}`
}

export function toolList({ body, model, thinking }: Ask): string | undefined {
  const tools = things(body['tools'])
  const names = tools.map((tool) => text(tool['name']))
  if (new Set(names).size !== names.length) return 'tools: Tool names must be unique.'
  if (tools.length > 0 && tools.every((tool) => tool['defer_loading'] === true)) {
    return 'At least one tool must have defer_loading=false.'
  }
  const both = tools.find((tool) => tool['defer_loading'] === true && tool['cache_control'])
  if (both) return `Tool '${text(both['name'])}' cannot have both defer_loading=true and cache_control set.`
  return forcedChoice(body, model, thinking, names)
}

function forcedChoice(
  body: Thing,
  model: Model,
  thinking: Thinking | undefined,
  names: readonly string[],
): string | undefined {
  const choice = thing(body['tool_choice'])
  const type = text(choice['type'])
  if (type !== '' && type !== 'none' && names.length === 0)
    return 'tool_choice: may only be specified while providing tools.'
  if (type !== 'any' && type !== 'tool') return undefined
  if (type === 'tool' && !names.includes(text(choice['name']))) {
    return `tool_choice.tool.name: Tool '${text(choice['name'])}' not found in provided tools`
  }
  const always = model.thinking.length === 1 && !model.api.includes('haiku')
  return always || thinking === 'enabled' || thinking === 'adaptive'
    ? 'Thinking may not be enabled when tool_choice forces tool use.'
    : undefined
}

/** Every tool a search found must be one of the tools given. */
export function references({ body }: Ask): string | undefined {
  const names = things(body['tools']).map((tool) => tool['name'])
  for (const message of things(body['messages'])) {
    for (const block of blocks(message['content'])) {
      const lost = things(list(block['content'])).find(
        (inner) => inner['type'] === 'tool_reference' && !names.includes(inner['tool_name']),
      )
      if (lost) return `Tool reference '${text(lost['tool_name'])}' not found in available tools`
    }
  }
  return undefined
}

export function breakpoints({ body }: Ask): string | undefined {
  const marks = readingOrder(body).flatMap((block) =>
    block['cache_control'] ? [thing(block['cache_control'])] : [],
  )
  if (marks.length > 4)
    return `A maximum of 4 blocks with cache_control may be provided. Found ${marks.length}.`
  const firstShort = marks.findIndex((mark) => mark['ttl'] !== '1h')
  if (firstShort >= 0 && marks.slice(firstShort).some((mark) => mark['ttl'] === '1h')) {
    return (
      "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. " +
      'Note that blocks are processed in the following order: `tools`, `system`, `messages`.'
    )
  }
  return undefined
}

export function stopSequences({ body }: Ask): string | undefined {
  return list(body['stop_sequences']).some((each) => text(each).trim() === '')
    ? 'stop_sequences: each stop sequence must contain non-whitespace'
    : undefined
}

export function window({ body, model, operation }: Ask): string | undefined {
  const input = weigh(body)
  const room = model.window
  if (input > room) return 'Input is too long for requested model.'
  const output = Number(body['max_tokens'])
  if (operation !== 'count' && input + output > room) {
    return (
      `input length and \`max_tokens\` exceed context limit: ${input} + ${output} > ${room}, decrease input length or ` +
      '`max_tokens` and try again'
    )
  }
  return undefined
}
