/**
 * The smallest value a JSON schema accepts, near enough: for tools the model is forced to call and formats it is asked for.
 */
import { list, text, thing } from './json.ts'

export function sampleOf(schema: unknown, given: Record<string, unknown> = {}): unknown {
  const { type, enum: choices, const: only, items, properties, required, anyOf } = thing(schema)
  if (only !== undefined) return only
  if (Array.isArray(choices)) return choices[0]
  if (Array.isArray(anyOf)) return sampleOf(anyOf[0])
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object': {
      const wanted = [...list(required).map(text), ...Object.keys(given)]
      const known = thing(properties)
      const names = [...new Set(wanted)].filter((name) => Object.hasOwn(known, name))
      return Object.fromEntries(names.map((name) => [name, given[name] ?? sampleOf(known[name])]))
    }
    case 'array':
      return items === undefined ? [] : [sampleOf(items)]
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return false
    case 'null':
      return null
    default:
      return 'Outcrop'
  }
}
