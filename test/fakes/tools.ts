/**
 * The `tools` InvokeModel takes: the caller's own and the few of Anthropic's that need no server of theirs.
 */
import { type Allowed, cacheControl } from './allowed.ts'
import { anything, boolean, object, type Shape, string } from './shape.ts'

const NAME: Shape = { is: 'string', pattern: /^[a-zA-Z0-9_-]{1,128}$/ }

const SCHEMA: Shape = {
  is: 'object',
  fields: { type: { is: 'string', oneOf: ['object'] } },
  required: ['type'],
  open: true,
}

function named(name: string, optional: Record<string, Shape>): Shape {
  return object({ type: string, name: { is: 'string', oneOf: [name] }, ...optional }, ['name'])
}

export function toolShape(allowed: Allowed): Shape {
  const { model, betas } = allowed
  const cache: Record<string, Shape> = { cache_control: cacheControl(model) }
  const search = betas.includes('tool-search-tool-2025-10-19')
  const custom: Shape = object(
    {
      type: string,
      name: NAME,
      description: string,
      input_schema: SCHEMA,
      ...cache,
      ...(search ? { defer_loading: boolean } : {}),
      ...(betas.includes('tool-examples-2025-10-29') ? { input_examples: { is: 'list', of: anything } } : {}),
      ...(model.structured ? { strict: boolean } : {}),
    },
    ['name', 'input_schema'],
  )
  const own = ownTools(cache, betas, search)
  return {
    is: 'chosen',
    choose: (tool) => {
      const type = tool['type'] ?? 'custom'
      if (type === 'custom' || own[String(type)]) {
        return { is: 'tagged', tags: { custom, ...own }, usual: 'custom' }
      }
      return { at: '', message: `tool type '${String(type)}' is not supported for this model` }
    },
  }
}

function ownTools(
  cache: Record<string, Shape>,
  betas: readonly string[],
  search: boolean,
): Record<string, Shape> {
  const screen = {
    display_width_px: anything,
    display_height_px: anything,
    display_number: anything,
    ...cache,
  }
  const edit = { max_characters: anything, ...cache }
  const computer: Record<string, Shape> = {}
  for (const date of ['2025-01-24', '2025-11-24']) {
    if (betas.includes(`computer-use-${date}`)) {
      computer[`computer_${date.replaceAll('-', '')}`] = named('computer', {
        ...screen,
        enable_zoom: boolean,
      })
    }
  }
  return {
    bash_20250124: named('bash', cache),
    text_editor_20250124: named('str_replace_editor', edit),
    text_editor_20250429: named('str_replace_based_edit_tool', edit),
    text_editor_20250728: named('str_replace_based_edit_tool', edit),
    memory_20250818: named('memory', cache),
    ...(search ? { tool_search_tool_regex_20251119: named('tool_search_tool_regex', cache) } : {}),
    ...computer,
  }
}
