import { afterAll, beforeAll, expect, test } from 'vitest'
import { configured, forgetUpstreams, upstreamFor } from '../../../src/gateway/routing/upstreams.ts'
import { type FakeBedrock, startFakeBedrock } from '../../fakes/bedrock.ts'
import { testRuntime } from '../../runtime.ts'
import { addUpstream, atFake } from '../../upstreamrows.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock({ region: 'eu-west-1' })
})
afterAll(() => bedrock.close())

test("the environment's upstreams come first, then those that admins have set up", async () => {
  const runtime = testRuntime({ env: { UPSTREAM: 'bedrock,anthropic', ANTHROPIC_API_KEY: 'sk-1' } })
  await addUpstream(runtime, { id: 'upstream_b', priority: 2 })
  await addUpstream(runtime, { id: 'upstream_a', priority: 1 })
  const ids = (await configured(runtime)).map(({ id }) => id)
  expect(ids).toEqual(['default', 'anthropic', 'upstream_a', 'upstream_b'])
})

test('a row of an upstream of the environment changes what it says, and nothing of where it leads', async () => {
  const runtime = testRuntime()
  const said = { enabled: false, priority: 7, weight: 3, name: 'The first' }
  await addUpstream(runtime, { id: 'default', kind: 'environment', region: null, ...said })
  const all = await configured(runtime)
  expect(all).toMatchObject([{ id: 'default', kind: 'bedrock', ...said }])
  expect(all[0]?.place()).toMatchObject({
    region: 'us-east-1',
    endpoint: 'https://bedrock-runtime.us-east-1.amazonaws.com',
  })
})

test('a row leads where its settings say, with its own keys', async () => {
  const runtime = testRuntime({ env: { EGRESS_ALLOW_LOOPBACK: 'true' } })
  await addUpstream(runtime, atFake(bedrock, 'upstream_1'))
  const [, row] = await configured(runtime)
  if (!row) throw new Error('there is no row')
  const upstream = upstreamFor(row)
  expect(upstream).toMatchObject({
    region: 'eu-west-1',
    endpoint: bedrock.url,
    control: bedrock.url,
    profile: 'eu',
  })
  expect(await upstream.credentials.get()).toMatchObject({ ...bedrock.credentials })
})

test('where loopback is not open, an address there is refused when it is used', async () => {
  const runtime = testRuntime()
  await addUpstream(runtime, atFake(bedrock, 'upstream_1'))
  const [, row] = await configured(runtime)
  expect(() => row?.place()).toThrow('The address set for this upstream cannot be used')
})

test('they are asked for once in ten seconds, and at once when they were changed here', async () => {
  const runtime = testRuntime()
  await configured(runtime)
  await addUpstream(runtime, { id: 'upstream_1' })
  expect(await configured(runtime)).toHaveLength(1)
  forgetUpstreams(runtime)
  expect(await configured(runtime)).toHaveLength(2)
})

test('what was found out about an upstream comes with it', async () => {
  const runtime = testRuntime()
  const findings = { offers: [{ id: 'eu.anthropic.claude-opus-5-5' }], checks: [] }
  await runtime.data.surveys.keep('default', findings, new Date(runtime.now()))
  expect(await configured(runtime)).toMatchObject([{ findings }])
})

test.each([
  [{ credentials: 'role', roleArn: 'arn:aws:iam::222222222222:role/outcrop' }, '222222222222'],
  [{ credentials: 'role', roleArn: 'arn:aws-us-gov:iam::333333333333:role/a/b' }, '333333333333'],
  [{ credentials: 'role', roleArn: 'arn:aws:iam::222222222222:role/outcrop', account: 'ours' }, 'ours'],
  [{ credentials: 'chain' }, undefined],
])('whose quotas an upstream takes from: %j', async (settings, account) => {
  const runtime = testRuntime()
  await addUpstream(runtime, { id: 'upstream_1', settings })
  const [, row] = await configured(runtime)
  expect(row?.place().account).toBe(account)
})
