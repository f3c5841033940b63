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

/**
 * Every one is read from the start of the sentence: further in, validators quote what the caller wrote, and nobody may
 * have a field left out for others by writing an objection into a request.
 */
const PREFIX = /^(?:Malformed input request: |The model returned the following errors: )/
const BETAS_NAMED = /^Unexpected value\(s\) ((?:`[\w.-]+`(?:, )?)+) for the `?anthropic-beta`? header/i
const BETA_UNNAMED = /^invalid beta flag/i
const EXTRA_FIELD = /^([A-Za-z_][\w-]*(?:\.[\w-]+)*): Extra inputs are not permitted/
const SIGNATURE =
  /^(?:[\w.]+: )?(?:Invalid `?(?:signature|data)`? in `?(?:redacted_)?thinking|Expected `thinking` or `redacted_thinking`|`?thinking`? or `?redacted_thinking`? blocks .*cannot be modified)|^[\w.]*thinking\.signature: Field required/i

/** The objection in an upstream's sentence, if there is one. */
export function objectionIn(message: string): Objection | undefined {
  const said = message.replace(PREFIX, '')
  const [, named] = BETAS_NAMED.exec(said) ?? []
  if (named !== undefined)
    return { kind: 'betas', betas: [...named.matchAll(/`([^`]+)`/g)].map(([, beta = '']) => beta) }
  if (BETA_UNNAMED.test(said)) return { kind: 'betas', betas: [] }
  const [, path] = EXTRA_FIELD.exec(said) ?? []
  if (path !== undefined) return { kind: 'field', path }
  return SIGNATURE.test(said) ? { kind: 'thinking' } : undefined
}
