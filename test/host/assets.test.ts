import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SECURITY } from '../../src/api/assets.ts'
import { app } from '../../src/app.ts'
import { assetsIn } from '../../src/host/assets.ts'
import { testRuntime } from '../runtime.ts'

const PORTAL = join(import.meta.dirname, '../../portal/public')

describe('the files of a folder', () => {
  let folder: string
  let ask: (path: string, method?: string) => Promise<Response>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outcrop-assets-'))
    await mkdir(join(folder, 'public/assets/deep'), { recursive: true })
    await writeFile(join(folder, 'secret.svg'), 'secret')
    await writeFile(join(folder, 'public/index.html'), 'page')
    await writeFile(join(folder, 'public/_headers'), 'headers')
    await writeFile(join(folder, 'public/assets/deep/a.css'), 'css')
    const runtime = testRuntime({ assets: await assetsIn(join(folder, 'public')) })
    ask = async (path, method = 'GET') => app.request(path, { method }, runtime)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('are served at the root and under /assets/, guarded, and so that they may be kept a while', async () => {
    for (const [path, text, type] of [
      ['/', 'page', 'text/html; charset=utf-8'],
      ['/assets/deep/a.css', 'css', 'text/css; charset=utf-8'],
    ] as const) {
      const answer = await ask(path)
      expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([
        200,
        text,
        type,
      ])
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        ...SECURITY,
        'cache-control': 'public, max-age=300',
      })
      expect(answer.headers.get('request-id')).toMatch(/^req_/)
      const head = await ask(path, 'HEAD')
      expect([head.status, await head.text()]).toEqual([200, ''])
    }
  })

  test.each([
    '/_headers',
    '/index.html',
    '/secret.svg',
    '/assets/../secret.svg',
    '/assets/%2e%2e/secret.svg',
    '/assets/..%2f..%2fsecret.svg',
    '/assets/deep',
    '/v1/nothing',
  ])('%s is none of them', async (path) => {
    const answer = await ask(path)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/json'])
  })

  test('answer nothing but GET and HEAD', async () => {
    for (const path of ['/', '/assets/deep/a.css']) expect((await ask(path, 'POST')).status).toBe(404)
  })
})

test('a folder that is not there has no files', async () => {
  const runtime = testRuntime({ assets: await assetsIn('/nowhere/at/all') })
  expect((await app.request('/', {}, runtime)).status).toBe(404)
})

test('the page needs nothing that its own policy forbids', async () => {
  const assets = await assetsIn(PORTAL)
  const page = await (await assets(new Request('http://x/')))?.text()
  expect(page).not.toMatch(/<script|<style|\sstyle=|\son\w+=|="https?:/)
  for (const [, link] of (page ?? '').matchAll(/(?:href|src)="([^"]+)"/g))
    expect(await assets(new Request(`http://x${link}`)), link).toBeDefined()
})

test('what Workers serve by themselves is guarded by the same headers', async () => {
  const rules = await readFile(join(PORTAL, '_headers'), 'utf8')
  const [path, ...lines] = rules.trim().split('\n')
  expect(path).toBe('/assets/*')
  const headers = new Headers(lines.map((line) => line.trim().split(/: (.*)/, 2) as [string, string]))
  expect(Object.fromEntries(headers)).toEqual({ ...SECURITY, 'cache-control': 'public, max-age=300' })
})
