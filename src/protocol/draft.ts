/**
 * Edits gathered from several hands, then made at once: what is dropped from one object or array by different rules is
 * cut with its commas as one, and every removal is known by name.
 */
import { type Edit, without } from './edits.ts'
import { has, type Value } from './json.ts'

export interface Draft {
  /** Takes every member of that key out of an object. `name` says what went, for the header and the metric. */
  drop(object: Value | undefined, key: string, name?: string): void
  dropElement(array: Value, element: Value, name?: string): void
  replace(value: { start: number; end: number }, text: string): void
  /** Puts a member in front of those an object has: `"key":value`. */
  add(object: Value, member: string): void
  /** What went, as patterns such as `tools.*.strict`, each once. */
  removed(): string[]
  edits(): Edit[]
}

interface Cuts {
  keys: Set<string>
  added: string[]
}

export function draft(): Draft {
  const objects = new Map<Value, Cuts>()
  const arrays = new Map<Value, Set<Value>>()
  const replaced: Edit[] = []
  const names = new Set<string>()

  function cutsOf(object: Value): Cuts {
    const cuts = objects.get(object) ?? { keys: new Set(), added: [] }
    objects.set(object, cuts)
    return cuts
  }

  return {
    drop(object, key, name) {
      if (!object || !has(object, key)) return
      cutsOf(object).keys.add(key)
      if (name !== undefined) names.add(name)
    },
    dropElement(array, element, name) {
      const gone = arrays.get(array) ?? new Set()
      arrays.set(array, gone.add(element))
      if (name !== undefined) names.add(name)
    },
    replace: ({ start, end }, text) => void replaced.push({ start, end, text }),
    add: (object, member) => void cutsOf(object).added.push(member),
    removed: () => [...names],
    edits() {
      const inObjects = [...objects].flatMap(([object, cuts]) => objectEdits(object, cuts))
      const inArrays = [...arrays].flatMap(([array, gone]) =>
        without(array.elements, (each) => gone.has(each)),
      )
      return [...inObjects, ...inArrays, ...replaced]
    },
  }
}

function objectEdits(object: Value, { keys, added }: Cuts): Edit[] {
  const isGone = ({ key }: Value) => keys.has(key)
  const cuts = without(object.members, isGone)
  if (added.length === 0) return cuts
  const rest = object.members?.some((member) => !isGone(member)) ?? false
  const at = object.start + 1
  return [{ start: at, end: at, text: added.join(',') + (rest ? ',' : '') }, ...cuts]
}
