/** JSON with one way to be written: no white space, the members of objects in the order of their names. */

/** The same text for values that are the same. What JSON has no word for is left out, as `JSON.stringify` does. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (isPlain(member) ? sorted(member) : member)) ?? 'null'
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  // Names that are numbers come first whatever is done; that is an order as well.
  return Object.fromEntries(Object.entries(object).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
