/** Which models a key, or a team, allows. */

/** Patterns of model names, `*` for any run of characters. */
export interface ModelRule {
  /** Null is every model. */
  models: readonly string[] | null
  /** Refused even so. */
  deniedModels: readonly string[] | null
}

/** Whether every rule lets a model pass that goes by these names. `isKnown`: that these are all its names. */
export function allows(rules: readonly ModelRule[], names: readonly string[], isKnown: boolean): boolean {
  return rules.every(({ models, deniedModels }) => {
    if (models && !matchesAny(models, names)) return false
    if (!deniedModels || deniedModels.length === 0) return true
    if (matchesAny(deniedModels, names)) return false
    // Behind a name that says nothing, such as an ARN, may be what is denied: it has to be allowed by that name.
    return isKnown || matchesAny(models?.filter((pattern) => pattern !== '*') ?? [], names)
  })
}

function matchesAny(patterns: readonly string[], names: readonly string[]): boolean {
  return patterns.some((pattern) => names.some((name) => matches(pattern, name)))
}

/** `*` stands for any run of characters. A pattern for a name: whether all that it stands for is within the other. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(name)
}

/** Whether these patterns stand for nothing that the others do not; null stands for every model. */
export function isWithin(inner: readonly string[] | null, outer: readonly string[] | null): boolean {
  if (outer === null) return true
  return inner?.every((pattern) => outer.some((each) => matches(each, pattern))) ?? false
}
