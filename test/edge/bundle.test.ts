/** The Worker's bundle: what must not be in it, and how large it may be. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Metafile } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleWorker, sourcesOf } from '../services/bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'outcrop-bundle-'))
const file = join(folder, 'worker.js')
let metafile: Metafile
beforeAll(async () => {
  metafile = await bundleWorker(file)
})
afterAll(() => rmSync(folder, { recursive: true }))

test('nothing that only Node has is in it', () => {
  const { all, nodeOnly } = sourcesOf(metafile)
  for (const expected of ['src', 'src/edge', 'hono', 'postgres', '@neondatabase/serverless'])
    expect(all).toContain(expected)
  expect(nodeOnly).toEqual([])
})

test('it asks of the platform what nodejs_compat has, and no more', () => {
  const asked = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  )
  expect(new Set(asked)).toEqual(new Set(ALLOWED))
})

/** For postgres.js: buffers, events, streams and sockets. */
const ALLOWED = ['node:buffer', 'node:events', 'node:stream', 'cloudflare:sockets']

/** Bytes, gzipped. A Worker may have 3 MB on the free plan: this bound is for what creeps in. */
const LARGEST = 430_000

test('it stays small', () => {
  const bytes = readFileSync(file)
  const gzipped = gzipSync(bytes, { level: 9 }).length
  console.info(`the Worker: ${bytes.length} bytes, ${gzipped} gzipped`)
  expect(gzipped).toBeLessThan(LARGEST)
})
