/** Patterns of names, `*` for any run of characters, in the words of Postgres. */

/** What matches the pattern, as `like` has it. */
export function like(pattern: string): string {
  return pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%')
}
