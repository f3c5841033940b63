/**
 * What validators object to, read from their sentences: which beta, which field, whose thinking. Only what can be left
 * out without changing what is asked is an objection; everything else is the caller's to mend.
 */

export type Objection =
  /** These betas; none is named in `invalid beta flag`. */
  | { kind: 'betas'; betas: readonly string[] }
  /** A path as the validator wrote it. */
  | { kind: 'field'; path: string }
  /** Replayed thinking that somebody else signed. */
  | { kind: 'thinking' }

const BETAS_NAMED = /Unexpected value\(s\) (.+?) for the `?anthropic-beta`? header/i
const BETA_UNNAMED = /invalid beta flag/i
const EXTRA_FIELD = /(?:^|[\s:])([A-Za-z_][\w-]*(?:\.[\w-]+)*): Extra inputs are not permitted/
const SIGNATURE =
  /Invalid `?signature`? in `?thinking`?|thinking\.signature: Field required|thinking` or `redacted_thinking` blocks .*cannot be modified/i

/** The objection in an upstream's sentence, if there is one. */
export function objectionIn(message: string): Objection | undefined {
  const [, named] = BETAS_NAMED.exec(message) ?? []
  if (named !== undefined)
    return { kind: 'betas', betas: [...named.matchAll(/`([^`]+)`/g)].map(([, beta = '']) => beta) }
  if (BETA_UNNAMED.test(message)) return { kind: 'betas', betas: [] }
  const [, path] = EXTRA_FIELD.exec(message) ?? []
  if (path !== undefined) return { kind: 'field', path }
  return SIGNATURE.test(message) ? { kind: 'thinking' } : undefined
}
