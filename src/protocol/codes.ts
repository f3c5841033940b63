/** Codes of errors: those of sockets and files, such as `ECONNREFUSED`, and the SQLSTATEs of a database. */

/** The code of an error, else of what caused it; empty where there is none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return 'code' in error ? String(error.code) : codeOf(error.cause)
}

export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code
}
