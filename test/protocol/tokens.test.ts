/**
 * Estimates against a tokenizer that Anthropic published, that of Claude 2: the newest there is to be had. Later ones
 * make more of the same text, as the facts of their makers go: some 30 % since 4.7.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countTokens } from '@anthropic-ai/tokenizer'
import { describe, expect, test } from 'vitest'
import { estimateTokens } from '../../src/protocol/tokens.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LONGEST = 6_000

/** Prose, code, tables, SQL, JSON: this repository's own. */
const FILES = ['src', 'docs', 'drizzle', 'bench'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|md|sql|json|svg)$/.test(path))
    .map((path) => join(folder, path)),
)

const SAMPLES: [string, string][] = [
  ['English', 'The quick brown fox jumps over the lazy dog. '],
  ['German', 'Übergrößenträger hören süße Flöten. '],
  ['French', 'Façade naïve, déjà vu à côté du château. '],
  ['Polish', 'Zażółć gęślą jaźń, proszę państwa. '],
  ['Russian', 'Привет, как дела? Всё хорошо. '],
  ['Chinese', '数据库连接失败，请检查网络设置并重试。'],
  ['Japanese', 'こんにちは、世界。これはテストです。'],
  ['Korean', '안녕하세요, 세계. 이것은 시험입니다. '],
  ['emoji', '🎉🚀😀👩‍💻'],
  ['identifiers', 'HTTP_STATUS_CODE XMLHttpRequest getElementById '],
  ['hexadecimal', 'a8f3e9c2b7d14056'],
  ['numbers', '3.14159 2,718,281 0x7fffffff 1e-9 '],
  ['punctuation', 'if (a[0] !== b) { return {}; } // => [] '],
  ['indentation', '\n        \t\t    x\n'],
]

const estimated = (text: string) => estimateTokens(text, 4.6)

describe('an estimate is not below the truth, nor more than twice it', () => {
  test.each(SAMPLES)('%s', (_, sample) => {
    const text = sample.repeat(40)
    const truth = countTokens(text)
    expect(estimated(text)).toBeGreaterThanOrEqual(truth)
    expect(estimated(text)).toBeLessThan(truth * 2.5)
  })

  test('every file of this repository', () => {
    expect(FILES.length).toBeGreaterThan(100)
    for (const path of FILES) {
      const text = readFileSync(join(ROOT, path), 'utf8').slice(0, LONGEST)
      const truth = countTokens(text)
      expect(estimated(text), path).toBeGreaterThanOrEqual(truth)
      if (truth > 100) expect(estimated(text), path).toBeLessThan(truth * 2)
    }
  }, 60_000)

  test('all of a request counts as well, its structure included', () => {
    const body = {
      system: 'x',
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      messages: [{ role: 'user', content: 'hi' }],
    }
    expect(estimateTokens(body, 4.6)).toBeGreaterThanOrEqual(countTokens(JSON.stringify(body)))
  })

  test('since 4.7 it is 30 % more', () => {
    expect(estimateTokens('word '.repeat(1_000), 5)).toBeGreaterThanOrEqual(
      estimated('word '.repeat(1_000)) * 1.29,
    )
  })
})
