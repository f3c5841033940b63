/** docs/iam.md is made of the table of actions (`npm run docs:iam`), and the policies in it are what they must be. */
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ACTIONS, type Action, type Purpose } from '../../src/providers/bedrock/actions.ts'
import { pageAt, pageOf, withPart } from '../compatibility/page.ts'
import { policyFor, type Statement, trustFor, type Whereabouts } from './policies.ts'

const ALL = Object.values<Action>(ACTIONS)
const ROLE = 'arn:aws:iam::210987654321:role/outcrop'
const HERE: Whereabouts = {
  region: 'us-east-1',
  account: '123456789012',
  roles: [ROLE],
  workspace: 'wrkspc_example',
}

const GROUPS: readonly [Purpose, string][] = [
  ['calls', 'Every call'],
  ['api-key', 'Where the credentials are an API key'],
  ['role', 'Where a role is taken on'],
  ['survey', 'To know what there is'],
]

function table(): string {
  const rows = GROUPS.flatMap(([purpose, title]) =>
    ALL.filter((action) => action.purpose === purpose).map(
      ({ name, why }, index) => `| ${index === 0 ? title : ''} | \`${name}\` | ${why} |`,
    ),
  )
  return ['| When | Action | The gateway |', '|---|---|---|', ...rows, ''].join('\n')
}

function block(policy: unknown): string {
  return `\`\`\`json\n${JSON.stringify(policy, undefined, 2)}\n\`\`\`\n`
}

const PARTS: Readonly<Record<string, string>> = {
  actions: table(),
  bedrock: block(policyFor('invoke', ['calls', 'survey'], HERE)),
  'api-key': block(policyFor('invoke', ['api-key'], HERE)),
  gov: block(policyFor('invoke', ['calls', 'survey'], { ...HERE, region: 'us-gov-west-1' })),
  mantle: block(policyFor('mantle', ['calls', 'survey'], HERE)),
  platform: block(policyFor('claude-platform', ['calls', 'survey'], HERE)),
  role: block(policyFor(undefined, ['role'], HERE)),
  trust: block(trustFor('arn:aws:iam::123456789012:role/gateway', 'a-name-that-both-know')),
}

test('the page says what the table says (npm run docs:iam)', () => {
  const page = pageOf('iam')
  let text = page.text
  for (const [mark, found] of Object.entries(PARTS)) text = withPart({ path: page.path, text }, mark, found)
  if (process.env['UPDATE_DOCS']) writeFileSync(page.path, text)
  expect(pageAt(page.path).text).toBe(text)
})

describe('a policy', () => {
  const statements = (...asked: Parameters<typeof policyFor>): Statement[] => policyFor(...asked).Statement

  test('lets a call run in every region that a profile reaches, and nowhere but with Claude', () => {
    const [calls] = statements('invoke', ['calls'], HERE)
    expect(calls).toEqual({
      Sid: 'OutcropCalls',
      Effect: 'Allow',
      Action: ['bedrock:InvokeModelWithResponseStream'],
      Resource: [
        'arn:aws:bedrock:*:123456789012:inference-profile/*',
        'arn:aws:bedrock:*:123456789012:application-inference-profile/*',
        'arn:aws:bedrock:*::foundation-model/anthropic.*',
      ],
    })
  })

  test('is of the partition of its region', () => {
    for (const [region, partition] of [
      ['us-gov-west-1', 'aws-us-gov'],
      ['eusc-de-east-1', 'aws-eusc'],
    ] as const) {
      const arns = statements('invoke', ['calls', 'survey'], { ...HERE, region }).flatMap(
        ({ Resource }) => Resource,
      )
      expect(arns.filter((arn) => arn !== '*' && !arn.startsWith(`arn:${partition}:`))).toEqual([])
    }
  })

  test('allows nothing that changes anything, and no service with a star', () => {
    for (const wire of ['invoke', 'runtime-messages', 'mantle', 'claude-platform'] as const) {
      const actions = statements(wire, ['calls', 'survey', 'api-key', 'role'], HERE).flatMap(
        ({ Action: names }) => names,
      )
      expect(
        actions.filter(
          (name) => name.includes('*') || /:(Put|Delete|Update|CreateInferenceProfile)/.test(name),
        ),
      ).toEqual([])
    }
  })

  test('names every statement once, and each action is somewhere', () => {
    const seen = new Set<string>()
    for (const wire of ['invoke', 'runtime-messages', 'mantle', 'claude-platform'] as const) {
      const all = statements(wire, ['calls', 'survey', 'api-key', 'role'], HERE)
      expect(new Set(all.map(({ Sid }) => Sid)).size).toBe(all.length)
      for (const name of all.flatMap(({ Action: names }) => names)) seen.add(name)
    }
    expect([...seen].toSorted()).toEqual(ALL.map(({ name }) => name).toSorted())
  })

  test('of trust asks for the external id, and lets sessions be tagged', () => {
    expect(trustFor('arn:aws:iam::123456789012:root', 'secret-handshake').Statement).toMatchObject([
      { Action: ['sts:AssumeRole'], Condition: { StringEquals: { 'sts:ExternalId': 'secret-handshake' } } },
      { Action: ['sts:TagSession'] },
    ])
  })
})
