import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../src/errors.ts'
import type { Offer } from '../../src/protocol/findings.ts'
import { generationOf, goesBy, listedName, modelAs } from '../../src/protocol/models.ts'
import { providerNamed } from '../../src/providers/index.ts'
import type { Upstream } from '../../src/providers/provider.ts'
import { testRuntime } from '../runtime.ts'

function upstream(offers: readonly Offer[] | undefined, more: Partial<Upstream> = {}): Upstream {
  return {
    id: 'default',
    provider: 'bedrock',
    region: 'us-east-1',
    wire: 'invoke',
    endpoint: 'https://bedrock-runtime.us-east-1.amazonaws.com',
    profile: 'us',
    credentials: testRuntime().credentials.bedrock,
    offers,
    ...more,
  }
}

function found(name: string, at: Upstream) {
  return providerNamed(at.provider).find(name, at)
}

const listed = (...ids: string[]): Offer[] => ids.map((id) => ({ id }))

describe('what the account is offered, by the names that lead there', () => {
  const offers = listed(
    'us.anthropic.claude-opus-4-20250514-v1:0',
    'us.anthropic.claude-opus-4-8',
    'us.anthropic.claude-opus-4-80',
    'us.anthropic.claude-opus-6',
    'eu.anthropic.claude-opus-6-5',
    'global.anthropic.claude-opus-6-5',
    'us.anthropic.claude-quartz-7-20270101-v1:0',
    'us.anthropic.claude-quartz-7-20270301-v1:0',
    'us.anthropic.claude-quartz-7-20270301-v10:0',
    'us.anthropic.claude-quartz-7-20270301-v9:0',
    'us.anthropic.claude-opus-5-5-v1:0',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    'us.amazon.nova-pro-v1:0',
  )

  test.each([
    ['claude-opus-4-8', 'us.anthropic.claude-opus-4-8'],
    ['claude-opus-4', 'us.anthropic.claude-opus-4-20250514-v1:0'],
    ['claude-opus-4-20250514', 'us.anthropic.claude-opus-4-20250514-v1:0'],
    ['claude-opus-4-80', 'us.anthropic.claude-opus-4-80'],
    ['claude-opus-6', 'us.anthropic.claude-opus-6'],
    ['claude-opus-6-20270501', 'us.anthropic.claude-opus-6'],
    ['us.anthropic.claude-opus-6', 'us.anthropic.claude-opus-6'],
    ['anthropic.claude-opus-6', 'anthropic.claude-opus-6'],
    ['global.anthropic.claude-opus-6-5', 'global.anthropic.claude-opus-6-5'],
    ['claude-quartz-7', 'us.anthropic.claude-quartz-7-20270301-v10:0'],
    ['claude-quartz-7-20270101', 'us.anthropic.claude-quartz-7-20270101-v1:0'],
    ['claude-opus-5-5', 'us.anthropic.claude-opus-5-5-v1:0'],
    ['claude-haiku-4-5', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['claude-haiku-4-5-20251001', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
  ])('%s leads to %s', (name, modelId) => {
    expect(found(name, upstream(offers))?.modelId).toBe(modelId)
  })

  test.each([
    'claude-opus',
    'opus-4-8',
    'claude-opus-4-',
    'claude-opus-4-7',
    'claude-opus-4-9',
    'claude-opus-6-5', // only abroad and everywhere: nobody asked for that
    'eu.anthropic.claude-opus-6-5',
    'claude-opus-6-',
    'claude-opus-61',
    'claude-opus-6-v1',
    'claude-quartz',
    'claude-quartz-7-20270102',
    'claude-sonnet-5-5', // shipped, and not offered
    'claude-haiku-4-5-20240101',
    'nova-pro',
    'us.amazon.nova-pro-v1:0',
    'us.anthropic.claude-sonnet-5-5',
    '',
  ])('%j leads nowhere, however near', (name) => {
    expect(found(name, upstream(offers))).toBeUndefined()
  })

  test('what nobody has asked about leads where the release says', () => {
    expect(found('claude-opus-4-8', upstream(undefined))?.modelId).toBe('us.anthropic.claude-opus-4-8')
    expect(found('claude-opus-6', upstream(undefined))).toBeUndefined()
  })

  test('an account that is offered nothing has nothing', () => {
    expect(found('claude-opus-4-8', upstream([]))).toBeUndefined()
  })

  test('a model that the account may not call is refused, with the reason', () => {
    const offer = { id: 'us.anthropic.claude-opus-6', refused: 'the account is not authorised for it' }
    for (const name of ['claude-opus-6', 'us.anthropic.claude-opus-6', 'anthropic.claude-opus-6']) {
      expect(() => found(name, upstream([offer]))).toThrow(/cannot be used .* is not authorised for it/)
    }
  })
})

describe('a model that is not in the table', () => {
  test.each([
    ['anthropic.claude-opus-6', 'claude-opus-6', 'claude-opus-6', 'Claude Opus 6', 5],
    [
      'anthropic.claude-quartz-7-5-20270101-v1:0',
      'claude-quartz-7-5',
      'claude-quartz-7-5-20270101',
      'Claude Quartz 7.5',
      5,
    ],
    [
      'anthropic.claude-opus-4-20250514-v1:0',
      'claude-opus-4',
      'claude-opus-4-20250514',
      'Claude Opus 4',
      4.1,
    ],
    [
      'anthropic.claude-3-5-sonnet-20241022-v2:0',
      'claude-3-5-sonnet',
      'claude-3-5-sonnet-20241022',
      'Claude 3.5 Sonnet',
      4.1,
    ],
    ['anthropic.claude-sonnet-4-9', 'claude-sonnet-4-9', 'claude-sonnet-4-9', 'Claude Sonnet 4.9', 4.8],
    [
      'anthropic.claude-mythos-preview',
      'claude-mythos-preview',
      'claude-mythos-preview',
      'Claude Mythos Preview',
      5,
    ],
    ['claude-opus-10', 'claude-opus-10', 'claude-opus-10', 'Claude Opus 10', 5],
  ])('%s is %s, listed as %s', (id, name, listedAs, displayName, generation) => {
    const model = modelAs(id)
    expect(model).toMatchObject({ name, displayName })
    expect(model && listedName(model)).toBe(listedAs)
    expect(generationOf(model)).toBe(generation)
    expect(model && goesBy(model, listedAs)).toBe(true)
  })

  test.each(['anthropic.other', 'amazon.claude-x', 'claude', 'claude-../x', 'anthropic.claude-Opus'])(
    '%s is no name',
    (id) => {
      expect(modelAs(id)).toBeUndefined()
    },
  )
})

const ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/team1'
const OPUS = 'anthropic.claude-opus-5-5'

describe('a model that goes through an application inference profile', () => {
  const through = (application: Partial<Offer> | undefined, more: Partial<Upstream> = {}) =>
    upstream(listed(`us.${OPUS}`), {
      profiles: { 'claude-opus-5-5': ARN },
      applications: application
        ? [{ id: ARN, baseId: OPUS, regions: ['us-east-1', 'us-west-2'], ...application }]
        : [],
      ...more,
    })

  test('is sent there by its plain name, with its own rules and price', () => {
    const route = found('claude-opus-5-5', through({}))
    expect(route).toMatchObject({ modelId: ARN, regionClass: 'us', model: { name: 'claude-opus-5-5' } })
    expect(found('claude-opus-5-5', through({ regions: ['us-east-1'] }))?.regionClass).toBe('region')
  })

  test('keeps the profile of AWS for who asks for that by its id', () => {
    expect(found(`us.${OPUS}`, through({}))?.modelId).toBe(`us.${OPUS}`)
  })

  test.each<[string, Partial<Offer> | undefined, RegExp]>([
    ['that nobody could check', undefined, /could not be checked yet/],
    ['of another model', { baseId: 'anthropic.claude-haiku-5-5' }, /it leads to claude-haiku-5-5/],
    ['of a model that is no longer', { refused: 'there is no such inference profile' }, /there is no such/],
    ['that runs anywhere', { regions: [] }, /it may run in 'global', where plain names stay in 'us'/],
    ['that runs elsewhere', { regions: ['eu-west-1', 'eu-north-1'] }, /it may run in 'eu'/],
  ])('is refused for one %s', (_, application, words) => {
    expect(() => found('claude-opus-5-5', through(application))).toThrow(words)
    expect(() => found('claude-opus-5-5', through(application))).toThrow(
      expect.objectContaining({ type: 'not_found_error' }) as GatewayError,
    )
  })

  test('may run anywhere where plain names do', () => {
    const here = through({ regions: [] }, { profile: 'global' })
    expect(found('claude-opus-5-5', here)).toMatchObject({ modelId: ARN, regionClass: 'global' })
  })

  test('is known by its ARN too, without a lookup', () => {
    expect(found(ARN, through({ baseId: 'anthropic.claude-haiku-5-5' }))).toMatchObject({
      modelId: ARN,
      model: { name: 'claude-haiku-5-5' },
    })
  })
})

describe('other wires and providers', () => {
  const MANTLE = { wire: 'mantle' } as const
  const ANTHROPIC = { provider: 'anthropic', wire: 'anthropic', region: 'global' } as const
  const PLATFORM = { wire: 'claude-platform' } as const

  test.each<[Partial<Upstream>, string[], string, string | undefined]>([
    [MANTLE, [], 'claude-opus-5', 'anthropic.claude-opus-5'],
    [MANTLE, ['anthropic.claude-opus-6'], 'claude-opus-6', 'anthropic.claude-opus-6'],
    [MANTLE, ['anthropic.claude-opus-6'], 'us.anthropic.claude-opus-6', 'anthropic.claude-opus-6'],
    [MANTLE, ['anthropic.claude-opus-6'], 'eu.anthropic.claude-opus-6', undefined],
    [MANTLE, [], 'claude-opus-6', undefined],
    [ANTHROPIC, ['claude-opus-6'], 'claude-opus-6', 'claude-opus-6'],
    [ANTHROPIC, ['claude-opus-6'], 'claude-opus-7', undefined],
    [ANTHROPIC, ['claude-opus-6'], 'claude-opus-5', undefined],
    [ANTHROPIC, ['claude-haiku-4-5-20251001'], 'claude-haiku-4-5', 'claude-haiku-4-5'],
    [ANTHROPIC, ['claude-haiku-4-5-20251001'], 'claude-haiku-4-5-20251001', 'claude-haiku-4-5-20251001'],
    [ANTHROPIC, ['claude-opus-5-5'], 'global.anthropic.claude-opus-5-5', 'claude-opus-5-5'],
    [PLATFORM, ['claude-opus-6'], 'claude-opus-6', 'claude-opus-6'],
    [PLATFORM, ['claude-opus-6'], 'claude-opus-5', undefined],
  ])('%j offering %j has for %s: %s', (place, offers, name, modelId) => {
    expect(found(name, upstream(listed(...offers), place))?.modelId).toBe(modelId)
  })
})
