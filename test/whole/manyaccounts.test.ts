/**
 * docs/many-accounts.md, command by command: run in a shell as they stand there, but for the addresses of the fakes, and
 * held to the output that the page shows.
 */
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { type FakeSts, startFakeSts } from '../fakes/sts.ts'
import { type Gateway, startGateway } from './gateway.ts'

const run = promisify(execFile)
const PAGE = readFileSync(new URL('../../docs/many-accounts.md', import.meta.url), 'utf8')
const MISSING = spawnSync('curl', ['--version']).error ? 'curl is missing: apt-get install curl' : undefined
if (MISSING) test.skip(MISSING, () => {})

const GATEWAY = 'arn:aws:iam::111111111111:role/gateway'
const BASE = { accessKeyId: 'AKIAGATEWAYEXAMPLE00', secretAccessKey: 'base/secret+of+the+gateway' }
const ACCOUNTS = [
  { region: 'eu-west-1', role: 'arn:aws:iam::222222222222:role/outcrop' },
  { region: 'us-west-2', role: 'arn:aws:iam::333333333333:role/outcrop' },
]

interface Account {
  region: string
  sts: FakeSts
  bedrock: FakeBedrock
}

let gateway: Gateway
let first: FakeBedrock
const accounts: Account[] = []
beforeAll(async () => {
  if (MISSING) return
  for (const { region, role } of ACCOUNTS) {
    const roles = [{ arn: role, trusts: [GATEWAY], externalId: 'an-id' }]
    const sts = await startFakeSts({ region, identities: { [GATEWAY]: BASE }, roles })
    accounts.push({ region, sts, bedrock: await startFakeBedrock({ region, issued: sts.issued }) })
  }
  first = await startFakeBedrock({ credentials: BASE })
  gateway = await startGateway({
    bedrock: first,
    // There is one address of Service Quotas for all: that of the account which the page examines.
    env: { EGRESS_ALLOW_LOOPBACK: 'true', AWS_ENDPOINT_URL_SERVICE_QUOTAS: accounts[0]?.bedrock.url ?? '' },
  })
})
afterAll(async () => {
  await gateway?.clear()
  await first?.close()
  for (const { sts, bedrock } of accounts) {
    await sts.close()
    await bedrock.close()
  }
})

interface Part {
  commands: string
  /** The lines that the page shows below it. */
  shown: string[]
}

function partsOf(page: string): Part[] {
  const parts: Part[] = []
  for (const [, kind, text = ''] of page.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    if (kind === 'sh') parts.push({ commands: text, shown: [] })
    else parts.at(-1)?.shown.push(...text.trimEnd().split('\n'))
  }
  return parts
}

/** The same commands at the fakes: each upstream has the addresses of its region. */
function atFakes(commands: string): string {
  return accounts
    .reduce((text, { region, sts, bedrock }) => {
      const own = { endpoint: bedrock.url, controlEndpoint: bedrock.url, stsEndpoint: sts.url }
      const settings = `"settings": {${JSON.stringify(own).slice(1, -1)}, `
      return text.replaceAll(
        new RegExp(`("region": "${region}"[^{]*)"settings": \\{`, 'g'),
        (_, before: string) => `${before}${settings}`,
      )
    }, commands)
    .replaceAll('http://127.0.0.1:8080', gateway.url)
}

/** Without what is another one each time. */
function plain(line: string): string {
  return line
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'then')
    .replaceAll(/\b[\d.]+ m?s\b/g, 'a while')
    .trimEnd()
}

test.skipIf(MISSING)('its commands do what it says they do', async () => {
  const parts = partsOf(PAGE)
  expect(parts.length).toBeGreaterThan(5)
  const script = parts
    .map(({ commands }, index) => `printf '\\n== ${index}\\n'\n${atFakes(commands)}`)
    .join('\n')
  const env = { ...process.env, ADMIN_TOKEN: gateway.adminToken }
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { env, timeout: 60_000 })
  const said = stdout.split(/^== \d+\n/m).slice(1)
  for (const [index, { shown }] of parts.entries()) {
    const lines = (said[index] ?? '').split('\n').map(plain)
    expect(lines).toEqual(expect.arrayContaining(shown.map(plain)))
  }
  // It ran in the EU, as the role there, and nobody else was asked.
  const [eu, spare] = accounts
  const answered = (fake: FakeBedrock | undefined) =>
    fake?.seen.filter(({ outcome, operation }) => outcome === 'accepted' && operation !== 'count').length
  expect([answered(first), answered(eu?.bedrock), answered(spare?.bedrock)]).toEqual([0, 1, 0])
  expect(eu?.sts.asked.at(-1)).toMatchObject({ action: 'AssumeRole', refusal: '' })
})
