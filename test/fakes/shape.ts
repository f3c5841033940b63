/**
 * Strict shapes for JSON, as data, and the first thing wrong with a value, named the way Claude's API names it:
 * a dotted path (a tagged union adds its tag), a colon, and pydantic's sentence.
 */
import { isThing, type Thing } from './json.ts'

export type Shape =
  | { is: 'anything' }
  | { is: 'boolean' }
  | { is: 'string'; pattern?: RegExp; oneOf?: readonly string[]; least?: number }
  | { is: 'number'; whole?: boolean; least?: number; most?: number }
  | { is: 'object'; fields: Readonly<Record<string, Shape>>; required?: readonly string[]; open?: boolean }
  | { is: 'list'; of: Shape; least?: number }
  | { is: 'tagged'; tags: Readonly<Record<string, Shape>>; usual?: string; silent?: boolean }
  | { is: 'textOr'; other: Shape }
  | { is: 'nullOr'; other: Shape }
  /** A shape chosen by looking at the value; a string is the refusal's sentence, with `at` added to the path. */
  | { is: 'chosen'; choose: (value: Thing) => Shape | { at: string; message: string } }

export const anything: Shape = { is: 'anything' }
export const boolean: Shape = { is: 'boolean' }
export const string: Shape = { is: 'string' }

export function object(fields: Record<string, Shape>, required: readonly string[] = []): Shape {
  return { is: 'object', fields, required }
}

/** Undefined when `value` fits; otherwise the sentence Bedrock answers with. */
export function misfit(shape: Shape, value: unknown, path = ''): string | undefined {
  switch (shape.is) {
    case 'anything':
      return undefined
    case 'boolean':
      return typeof value === 'boolean' ? undefined : says(path, 'Input should be a valid boolean')
    case 'string':
      return stringMisfit(shape, value, path)
    case 'number':
      return numberMisfit(shape, value, path)
    case 'object':
      return objectMisfit(shape, value, path)
    case 'list':
      return listMisfit(shape, value, path)
    case 'tagged':
      return taggedMisfit(shape, value, path)
    case 'textOr':
      return typeof value === 'string' ? undefined : misfit(shape.other, value, path)
    case 'nullOr':
      return value === null ? undefined : misfit(shape.other, value, path)
    case 'chosen':
      return chosenMisfit(shape, value, path)
  }
}

function says(path: string, sentence: string): string {
  return path === '' ? sentence : `${path}: ${sentence}`
}

function at(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`
}

function quoted(values: readonly string[]): string {
  const all = values.map((value) => `'${value}'`)
  const last = all.pop() ?? ''
  return all.length === 0 ? last : `${all.join(', ')} or ${last}`
}

function stringMisfit(shape: Shape & { is: 'string' }, value: unknown, path: string): string | undefined {
  if (typeof value !== 'string') return says(path, 'Input should be a valid string')
  if (shape.oneOf && !shape.oneOf.includes(value)) return says(path, `Input should be ${quoted(shape.oneOf)}`)
  if (value.length < (shape.least ?? 0)) {
    return says(path, `String should have at least ${shape.least} character${shape.least === 1 ? '' : 's'}`)
  }
  if (shape.pattern && !shape.pattern.test(value)) {
    return says(path, `String should match pattern '${shape.pattern.source}'`)
  }
  return undefined
}

function numberMisfit(shape: Shape & { is: 'number' }, value: unknown, path: string): string | undefined {
  if (typeof value !== 'number') {
    return says(path, shape.whole ? 'Input should be a valid integer' : 'Input should be a valid number')
  }
  if (shape.whole && !Number.isInteger(value)) {
    return says(path, 'Input should be a valid integer, got a number with a fractional part')
  }
  if (shape.least !== undefined && value < shape.least) {
    return says(path, `Input should be greater than or equal to ${shape.least}`)
  }
  if (shape.most !== undefined && value > shape.most) {
    return says(path, `Input should be less than or equal to ${shape.most}`)
  }
  return undefined
}

function objectMisfit(shape: Shape & { is: 'object' }, value: unknown, path: string): string | undefined {
  if (!isThing(value)) return says(path, 'Input should be a valid dictionary')
  for (const [key, field] of Object.entries(shape.fields)) {
    if (value[key] === undefined) {
      if (shape.required?.includes(key)) return says(at(path, key), 'Field required')
      continue
    }
    const wrong = misfit(field, value[key], at(path, key))
    if (wrong !== undefined) return wrong
  }
  if (shape.open) return undefined
  const extra = Object.keys(value).find((key) => !Object.hasOwn(shape.fields, key))
  return extra === undefined ? undefined : says(at(path, extra), 'Extra inputs are not permitted')
}

function listMisfit(shape: Shape & { is: 'list' }, value: unknown, path: string): string | undefined {
  if (!Array.isArray(value)) return says(path, 'Input should be a valid list')
  if (value.length < (shape.least ?? 0)) {
    return says(path, `List should have at least ${shape.least} item after validation, not ${value.length}`)
  }
  for (const [index, item] of value.entries()) {
    const wrong = misfit(shape.of, item, at(path, index))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function taggedMisfit(shape: Shape & { is: 'tagged' }, value: unknown, path: string): string | undefined {
  if (!isThing(value))
    return says(path, 'Input should be a valid dictionary or object to extract fields from')
  const tag = value['type'] ?? shape.usual
  if (tag === undefined) return says(at(path, 'type'), 'Field required')
  const chosen = typeof tag === 'string' && Object.hasOwn(shape.tags, tag) ? shape.tags[tag] : undefined
  if (chosen === undefined) {
    const expected = Object.keys(shape.tags).map((name) => `'${name}'`)
    return says(
      path,
      `Input tag '${String(tag)}' found using 'type' does not match any of the expected tags: ${expected.join(', ')}`,
    )
  }
  return misfit(chosen, value, shape.silent ? path : at(path, String(tag)))
}

function chosenMisfit(shape: Shape & { is: 'chosen' }, value: unknown, path: string): string | undefined {
  if (!isThing(value))
    return says(path, 'Input should be a valid dictionary or object to extract fields from')
  const chosen = shape.choose(value)
  return 'is' in chosen
    ? misfit(chosen, value, path)
    : says(chosen.at === '' ? path : at(path, chosen.at), chosen.message)
}
