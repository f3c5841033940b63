/** A model that AWS lists today works today, over the whole app and with no release; and what calls cost of AWS's lists. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { forgetUpstreams } from '../../src/gateway/routing/upstreams.ts'
import { surveyUpstreams } from '../../src/gateway/survey.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { model } from '../fakes/models.ts'
import { keyIn } from '../runtime.ts'
import { addUpstream, atFake } from '../upstreamrows.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

const ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock({
    profiles: { opus: 'anthropic.claude-opus-5-5', haiku: 'anthropic.claude-haiku-5-5' },
  })
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

function gateway(env: Record<string, string> = {}): Promise<TestGateway> {
  return gatewayOn(bedrock, {
    env: { AWS_ENDPOINT_URL_SERVICE_QUOTAS: bedrock.url, EGRESS_ALLOW_LOOPBACK: 'true', ...env },
  })
}

const asking = (name: string) => ({
  model: name,
  max_tokens: 64,
  messages: [{ role: 'user', content: 'hello' }],
  thinking: { type: 'enabled', budget_tokens: 1_024 },
})

const plain = (name: string) => ({
  model: name,
  max_tokens: 64,
  messages: [{ role: 'user', content: 'hello' }],
})

async function listed({ runtime, headers }: Pick<TestGateway, 'runtime' | 'headers'>): Promise<string[]> {
  const response = await app.request('/v1/models?limit=1000', { headers }, runtime)
  const { data } = (await response.json()) as { data: { id: string }[] }
  return data.map(({ id }) => id)
}

describe('a model that came out today', () => {
  test('works once AWS lists it, is listed before the older ones, and has no price until somebody says one', async () => {
    const one = await gateway()
    bedrock.control.launched = [model('anthropic.claude-opus-6', 5, 'us global')]
    const before = await one.post(plain('claude-opus-6'))
    expect(before.status).toBe(404)

    await surveyUpstreams(one.runtime)
    const after = await one.post(asking('claude-opus-6'))
    expect([after.status, (await after.json()) as object]).toMatchObject([200, { type: 'message' }])
    expect(bedrock.seen.at(-1)).toMatchObject({
      modelId: 'us.anthropic.claude-opus-6',
      outcome: 'accepted',
      body: { thinking: { type: 'adaptive' } }, // as the newest models have it
    })
    const names = await listed(one)
    expect(names.indexOf('claude-opus-6')).toBeLessThan(names.indexOf('claude-fable-5-2'))
    expect(names).toContain('claude-opus-6')
    await one.runtime.settled()
    expect(one.runtime.rows.at(-1)).toMatchObject({ model: 'claude-opus-6', status: 'succeeded' })
  })

  test('is looked at alone by its name', async () => {
    const one = await gateway()
    bedrock.control.launched = [model('anthropic.claude-quartz-7-20270101-v1:0', 5, 'us')]
    await surveyUpstreams(one.runtime)
    const { runtime, headers } = one
    for (const name of ['claude-quartz-7', 'claude-quartz-7-20270101']) {
      const response = await app.request(`/v1/models/${name}`, { headers }, runtime)
      expect(await response.json()).toMatchObject({
        id: 'claude-quartz-7-20270101',
        display_name: 'Claude Quartz 7',
        created_at: '2027-01-01T00:00:00Z',
      })
    }
  })

  test('does not leave the geography, and is not there for keys that may not use it', async () => {
    const one = await gateway()
    bedrock.control.launched = [
      model('anthropic.claude-opus-6', 5, 'global'),
      model('anthropic.claude-opus-7', 5, 'us'),
    ]
    await surveyUpstreams(one.runtime)
    expect(await listed(one)).not.toContain('claude-opus-6')
    expect((await one.post(plain('claude-opus-6'))).status).toBe(404)
    expect((await one.post(plain('global.anthropic.claude-opus-6'))).status).toBe(200)
    const { headers } = await keyIn(one.runtime, { models: ['claude-haiku-*'] })
    expect(await listed({ ...one, headers })).not.toContain('claude-opus-7')
  })
})

describe('what may be used', () => {
  test('leaves out what the account may not call, and a call is told why', async () => {
    const one = await gateway()
    bedrock.control.noAccess.set('anthropic.claude-opus-5-5', 'NOT_AUTHORIZED')
    await surveyUpstreams(one.runtime)
    expect(await listed(one)).not.toContain('claude-opus-5-5')
    const response = await one.post(plain('claude-opus-5-5'))
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { message: expect.stringContaining('not authorised for it') as string } },
    ])
    expect(bedrock.seen).toEqual([])
  })

  test('is the union of what is healthy', async () => {
    const one = await gateway()
    const other = await startFakeBedrock({ region: 'eu-west-1' })
    try {
      bedrock.control.launched = [model('anthropic.claude-opus-6', 5, 'us')]
      other.control.launched = [model('anthropic.claude-opus-7', 5, 'eu')]
      const row = await addUpstream(one.runtime, atFake(other, 'upstream_eu'))
      await surveyUpstreams(one.runtime)
      expect(await listed(one)).toEqual(expect.arrayContaining(['claude-opus-6', 'claude-opus-7']))
      one.runtime.surveys.length = 0
      Object.assign(row, { secrets: null }) // its secrets are gone: it cannot be entered
      forgetUpstreams(one.runtime)
      await surveyUpstreams(one.runtime)
      const now = await listed(one)
      expect(now).toContain('claude-opus-6')
      expect(now).not.toContain('claude-opus-7')
    } finally {
      await other.close()
    }
  })
})

describe('an application inference profile', () => {
  test('takes the calls of its model, which keeps its name on the ledger', async () => {
    const one = await gateway({ BEDROCK_APPLICATION_PROFILES: `claude-opus-5-5=${ARN}opus` })
    await surveyUpstreams(one.runtime)
    expect((await one.post(plain('claude-opus-5-5'))).status).toBe(200)
    expect(bedrock.seen.at(-1)?.modelId).toBe(`${ARN}opus`)
    await one.runtime.settled()
    const row = one.runtime.rows.at(-1)
    expect(row).toMatchObject({ model: 'claude-opus-5-5', modelId: `${ARN}opus`, regionClass: 'region' })
    expect(row?.costNano).toBeGreaterThan(0)
  })

  test('that leads to another model takes none, and says why', async () => {
    const one = await gateway({ BEDROCK_APPLICATION_PROFILES: `claude-opus-5-5=${ARN}haiku` })
    await surveyUpstreams(one.runtime)
    const response = await one.post(plain('claude-opus-5-5'))
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { message: expect.stringContaining('it leads to claude-haiku-5-5') as string } },
    ])
    expect(bedrock.seen).toEqual([])
    expect((await one.post(plain('claude-haiku-5-5'))).status).toBe(200)
  })
})

describe('calls', () => {
  test('ask no control plane for anything, before the first survey or after it', async () => {
    const one = await gateway()
    const names = [
      'claude-opus-5-5',
      'us.anthropic.claude-haiku-5-5',
      'anthropic.claude-opus-4-6-v1',
      'claude-sonnet-5-5',
    ]
    const all = async () => {
      for (let round = 0; round < 10; round++)
        for (const name of names) expect((await one.post(plain(name))).status).toBe(200)
      await listed(one)
    }
    await all()
    expect(bedrock.control.asked).toEqual([])
    await surveyUpstreams(one.runtime)
    const surveys = bedrock.control.asked.length
    await all()
    expect(bedrock.control.asked).toHaveLength(surveys)
    expect(bedrock.seen).toHaveLength(80)
  })

  test('that name a profile of the account need no lookup once it was listed', async () => {
    const one = await gateway()
    await surveyUpstreams(one.runtime)
    for (let round = 0; round < 5; round++) expect((await one.post(plain(`${ARN}haiku`))).status).toBe(200)
    expect(bedrock.asked).toEqual([])
  })
})
