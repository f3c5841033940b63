/**
 * The addresses that stand in a text, and when two are one. Where one ends nobody marks, so that what comes before
 * punctuation counts too; nothing ever counts that does not stand there from its first letter on.
 */
import { readUrl } from '../../protocol/urls.ts'

const START = /https?:\/\//gi
/** As far as an address goes at most. No white space, quotes or brackets of code; longer ones cannot be fetched. */
const RUN = /[^\s<>"`\\^{|}\p{Cc}\p{Cf}]{1,400}/uy
/** Where an address may be over, if the text goes on without a space. */
const ENDS = /[)\](,;'*]|[^\x21-\x7e]/g
const TAIL = /[.,:;!?'*_~)\]]+$/

/** However odd a text is, reading it must not take long: of more addresses than that the rest are not seen. */
const MOST = 20_000
const MOST_CUTS = 6

export interface Budget {
  left: number
}

/** Every address that stands in a text, in the form in which two of them are compared. */
export function* urlsIn(text: string, budget: Budget = { left: MOST }): Generator<string> {
  for (const { index } of text.matchAll(START)) {
    if (budget.left-- <= 0) return
    RUN.lastIndex = index
    const [run] = RUN.exec(text) ?? []
    if (run === undefined) continue
    for (const candidate of candidates(run)) {
      const key = urlKey(candidate)
      if (key !== undefined) yield key
    }
  }
}

function candidates(run: string): Set<string> {
  const ends = [...run.matchAll(ENDS)].slice(0, MOST_CUTS)
  const cuts = ends.map(({ index }) => run.slice(0, index))
  return new Set([run, ...cuts].flatMap((each) => [each, each.replace(TAIL, '')]))
}

/**
 * An address as it is requested: what stands behind `#` is not sent. That of a page over http is the same as over
 * https, for pages are fetched over https only.
 */
export function urlKey(text: string): string | undefined {
  const url = readUrl(text)
  if (!url) return undefined
  url.hash = ''
  return url.href.replace(/^https?:/, '')
}
