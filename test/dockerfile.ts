/** The Dockerfile, read: its stages, and what the last of them, which is the image, is made of. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export const REPOSITORY = join(import.meta.dirname, '..')

export interface Instruction {
  /** `COPY`, `USER`, … */
  word: string
  rest: string
}

export interface Copy {
  /** The stage that it comes from; undefined for the repository. */
  from: string | undefined
  source: string
  /** Where it is then, below the folder of the image that the gateway is in. */
  target: string
}

/** Each stage without its `FROM`, in order; comments are left out and continued lines joined. */
export function stages(): Instruction[][] {
  const found: Instruction[][] = []
  const text = readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8').replaceAll(/^#.*\n/gm, '')
  for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    if (word === 'FROM') found.push([])
    else if (word !== '') found.at(-1)?.push({ word, rest })
  }
  return found
}

/** The instructions of a word in the last stage. */
export function inImage(word: string): string[] {
  return (stages().at(-1) ?? []).filter((each) => each.word === word).map(({ rest }) => rest)
}

/** The command in brackets that an instruction of the last stage ends with. */
export function commandOf(word: 'CMD' | 'HEALTHCHECK'): string[] {
  const [rest = ''] = inImage(word)
  return JSON.parse(rest.slice(rest.indexOf('['))) as string[]
}

/** What stages copy out of the repository or out of each other; patterns of the repository are its files. */
export function copies(stage: readonly Instruction[]): Copy[] {
  return stage.filter(({ word }) => word === 'COPY').flatMap(({ rest }) => copiesOf(rest))
}

function copiesOf(rest: string): Copy[] {
  const [, from] = /^--from=(\S+)/.exec(rest) ?? []
  const words = rest.split(/\s+/).filter((word) => !word.startsWith('--'))
  const to = words.pop() ?? ''
  const sources = words.flatMap((word) => (word.includes('*') ? filesLike(word) : [word]))
  return sources.map((source) => ({
    from,
    source,
    target: to.endsWith('/') ? join(to, basename(source)) : to,
  }))
}

/** The files of a folder by a pattern with one star in the name, such as `drizzle/*.sql`. */
function filesLike(pattern: string): string[] {
  const [start = '', end = ''] = basename(pattern).split('*')
  const folder = dirname(pattern)
  return readdirSync(join(REPOSITORY, folder))
    .filter((name) => name.startsWith(start) && name.endsWith(end))
    .map((name) => join(folder, name))
}
