/** The plan of the house, enforced: who may import whom, no cycles, no `any`, no mutable module state, no long file. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .toSorted()
const SOURCE = new Map(FILES.map((path) => [path, readFileSync(join(SRC, path), 'utf8')]))

/** Entries and what they alone may use come first; a file belongs to the first floor that names it. */
const FLOORS: [number, RegExp][] = [
  [5, /^(node|bun|deno|worker)\.ts$|^(host|edge)\//],
  [4, /^app\.ts$|^api\//],
  [3, /^gateway\/|^jobs\.ts$/],
  [2, /^(providers|search|notify|data)\//],
  [1, /^(protocol|aws)\/|^(aws|egress)\.ts$/],
  [0, /^(errors|config|environment|runtime)\.ts$/],
]

/** Longer than 250 lines, each with its reason. */
const LONG_FILES: Record<string, string> = {}

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const IMPORT =
  /^(?:import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'|^import\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm

/** Generated data, such as the journal of the migrations, stand outside the house. */
const IMPORTS: Import[] = FILES.flatMap((from) =>
  [...(SOURCE.get(from) ?? '').matchAll(IMPORT)]
    .filter(([line]) => !line.endsWith(".json'"))
    .map((match) => ({
      from,
      to: relative(SRC, join(SRC, dirname(from), match[2] ?? match[3] ?? match[4] ?? '')),
      typeOnly: match[1] !== undefined,
    })),
)

function floorOf(path: string): number {
  const floor = FLOORS.find(([, files]) => files.test(path))
  if (!floor) throw new Error(`src/${path} stands on no floor: give it one in test/floors.test.ts`)
  return floor[0]
}

/** `providers`, `data`, `host` …; a file at the top is its own folder. */
const folderOf = (path: string) => path.split('/')[0] ?? path
const told = ({ from, to }: Import) => `${from} -> ${to}`

describe('the house', () => {
  test('every file stands on a floor, and every import leads to a file', () => {
    expect(FILES.length).toBeGreaterThan(40)
    expect(IMPORTS.length).toBeGreaterThan(100)
    for (const path of FILES) expect(floorOf(path)).toBeGreaterThanOrEqual(0)
    expect(IMPORTS.filter(({ to }) => !SOURCE.has(to)).map(told)).toEqual([])
  })

  test('imports go down or stay on their floor, never up; the ground floor takes types only', () => {
    const up = IMPORTS.filter(({ from, to }) => floorOf(to) > floorOf(from) && !(floorOf(from) === 0))
    expect(up.map(told)).toEqual([])
    const fromGround = IMPORTS.filter(
      ({ from, to, typeOnly }) => floorOf(from) === 0 && !typeOnly && to !== 'environment.ts',
    )
    expect(fromGround.map(told)).toEqual([])
  })

  test('plug-ins know neither each other nor the data', () => {
    const plugins = ['providers', 'search', 'notify']
    const strangers = IMPORTS.filter(({ from, to }) => {
      const [mine, theirs] = [folderOf(from), folderOf(to)]
      return (
        mine !== theirs &&
        floorOf(from) === 2 &&
        floorOf(to) === 2 &&
        (plugins.includes(mine) || plugins.includes(theirs))
      )
    })
    expect(strangers.map(told)).toEqual([])
    const siblings = IMPORTS.filter(({ from, to }) => {
      const [, mine] = from.split('/')
      const [folder = '', theirs, inside] = to.split('/')
      return (
        plugins.includes(folder) &&
        folderOf(from) === folder &&
        mine !== 'index.ts' &&
        inside !== undefined &&
        theirs !== mine
      )
    })
    expect(siblings.map(told)).toEqual([])
  })

  test('only floor 4 imports hono, only floor 5 names a runtime, only data/ speaks SQL', () => {
    const using = (module: RegExp, allowed: (path: string) => boolean) =>
      FILES.filter((path) => !allowed(path) && module.test(SOURCE.get(path) ?? ''))
    expect(using(/from 'hono|from '@hono\/zod-openapi'/, (path) => floorOf(path) === 4)).toEqual([])
    expect(
      using(
        /from '(node:|undici|@hono\/node-server)|\bprocess\.\w|\b(Bun|Deno)\./,
        (path) => floorOf(path) === 5,
      ),
    ).toEqual([])
    expect(using(/from '(drizzle-orm|postgres|@electric-sql)/, (path) => path.startsWith('data/'))).toEqual(
      [],
    )
  })

  test('there are no cycles', () => {
    const loads = IMPORTS.filter(({ typeOnly }) => !typeOnly)
    const cycles: string[] = []
    // What leads to no cycle by one way leads to none by any other.
    const seen = new Set<string>()
    const visit = (path: string, trail: string[]) => {
      if (trail.includes(path))
        return void cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      if (seen.has(path)) return
      for (const { from, to } of loads) if (from === path) visit(to, [...trail, path])
      seen.add(path)
    }
    for (const path of FILES) visit(path, [])
    expect(cycles).toEqual([])
  })

  test('nothing at module scope but constants and functions', () => {
    const mutable =
      /^(?:export )?(?:let|var)\b|^(?:export )?const [^=\n]+= new (?:Map|Set|WeakMap|Array)(?:<[^(]*>)?\(\)/m
    expect(FILES.filter((path) => mutable.test(SOURCE.get(path) ?? ''))).toEqual([])
  })

  test('there is no `any`, and no silenced checker', () => {
    const silenced = /:\s*any\b|<any\b|\bas any\b|@ts-(?:ignore|expect-error|nocheck)|biome-ignore/
    expect(FILES.filter((path) => silenced.test(SOURCE.get(path) ?? ''))).toEqual([])
  })

  test('every file says what it is in its first lines, and is not too long', () => {
    for (const [path, source] of SOURCE) {
      expect(source, `src/${path} has no header`).toMatch(/^\/\*\*/)
      const lines = source.split('\n').length - 1
      if (lines > 250) expect(LONG_FILES[path], `src/${path} has ${lines} lines`).toBeDefined()
    }
  })

  test('files carry names that say something', () => {
    const vague = /\b(utils?|helpers?|common|misc|managers?|services?|handlers?|base|core|shared)\b/
    expect(FILES.filter((path) => vague.test(path))).toEqual([])
  })
})
