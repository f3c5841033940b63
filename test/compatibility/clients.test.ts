/**
 * What the real client does, by version, into docs/compatibility.md: from the results of `npm run test:client`, which
 * drives it (`CLIENT_RESULTS` says where they are). Without new results, what stands there must be whole.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { VERSIONS } from '../client/install.ts'
import { expectPage, type Results, table } from './matrix.ts'

interface Report {
  testResults: {
    name: string
    assertionResults: { ancestorTitles: string[]; title: string; status: string }[]
  }[]
}

const CLIENT = /^Claude Code (\d[\d.]*)$/

function resultsIn({ testResults }: Report): Results {
  const results: Results = new Map()
  for (const { ancestorTitles, title, status } of throughTheGateway(testResults)) {
    const [, version] = ancestorTitles.map((each) => CLIENT.exec(each)).find((match) => match) ?? []
    if (version === undefined) continue
    const row = results.get(title) ?? new Map()
    results.set(title, row.set(version, status === 'passed' ? 'as sent' : 'failed'))
  }
  return results
}

/** Its Bedrock mode is driven past the gateway, to see whether the fake is right. */
function throughTheGateway(files: Report['testResults']) {
  return files.filter(({ name }) => !name.includes('bedrockmode')).flatMap((file) => file.assertionResults)
}

const PAGE = fileURLToPath(new URL('../../docs/compatibility.md', import.meta.url))

test('docs/compatibility.md says what the real client does, and nothing of it fails', () => {
  const report = process.env['CLIENT_RESULTS']
  if (report) {
    const results = resultsIn(JSON.parse(readFileSync(report, 'utf8')) as Report)
    expectPage('clients', table('By version of Claude Code', VERSIONS, results))
  }
  const [, part = ''] = readFileSync(PAGE, 'utf8').split('<!-- clients -->')
  for (const version of VERSIONS) expect(part).toContain(version)
  expect(part.split('\n').filter((line) => line.includes('●')).length).toBeGreaterThan(20)
  expect(part).not.toMatch(/\| ! \|/)
})
