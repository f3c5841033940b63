/** The parts of a page that tests write: what stands between `<!-- mark -->` and `<!-- end of mark -->`. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Page {
  path: string
  text: string
}

/** A page of docs/ by its name. */
export function pageOf(name: string): Page {
  return pageAt(fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url)))
}

export function pageAt(path: string): Page {
  return { path, text: readFileSync(path, 'utf8') }
}

/** The page with that part replaced. @throws where the page has no such marks. */
export function withPart({ path, text }: Page, mark: string, found: string): string {
  const [before, after] = text.split(new RegExp(`<!-- ${mark} -->[\\s\\S]*<!-- end of ${mark} -->`))
  if (before === undefined || after === undefined) throw new Error(`${path} has no part "${mark}"`)
  return `${before}<!-- ${mark} -->\n\n${found}\n<!-- end of ${mark} -->${after}`
}
