/** Whether this is Node's error of that code: `EEXIST` and its like. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
