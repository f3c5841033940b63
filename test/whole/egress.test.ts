/**
 * The guard of outgoing requests, on every host: the same tests as on Node, run by the other runtimes themselves.
 * What pins a connection there is another implementation of Node's modules.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findRuntimes } from '../services/runtimes.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const VITEST = join(REPOSITORY, 'node_modules', 'vitest', 'vitest.mjs')

/** What makes a runtime run a program of Node's as its own. */
const WORDS = { node22: [], bun: ['--bun'], deno: ['run', '--allow-all', '--no-remote'] }

interface Report {
  numPassedTests: number
  numTotalTests: number
}

function runBy(binary: string, words: readonly string[]): Promise<Report> {
  // Threads: a fork might be another runtime's.
  const tests = [
    'run',
    '--project',
    'unit',
    '--pool',
    'threads',
    // What Deno lacks for the end of a thread (parentPort.removeAllListeners) comes up after the tests; those are counted.
    '--dangerouslyIgnoreUnhandledErrors',
    '--reporter',
    'json',
    'test/host/egress.test.ts',
  ]
  return new Promise((resolve, reject) => {
    const options = { cwd: REPOSITORY, timeout: 100_000 }
    execFile(binary, [...words, VITEST, ...tests], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}${stderr}`, { cause: error }))
      else resolve(JSON.parse(stdout))
    })
  })
}

for (const found of await findRuntimes(['node22', 'bun', 'deno'])) {
  describe.skipIf('missing' in found)(`on ${found.host}`, () => {
    test('names are judged, connections pinned, certificates verified, redirects refused', async () => {
      if ('missing' in found) throw new Error(found.missing)
      const report = await runBy(found.binary, WORDS[found.host])
      expect(report.numTotalTests).toBeGreaterThanOrEqual(20)
      expect(report.numPassedTests).toBe(report.numTotalTests)
    })
  })
}
