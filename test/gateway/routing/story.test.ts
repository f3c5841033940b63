/** What a row tells in words: every kind of step, reason and ending, each as the sentence that people read. */
import { describe, expect, test } from 'vitest'
import type { SettledRow } from '../../../src/data/rows.ts'
import type { Trail, TrailStep } from '../../../src/data/tables/trail.ts'
import { storyOf } from '../../../src/gateway/routing/story.ts'
import { storyRow } from './storyrows.ts'

const NAMES: Readonly<Record<string, string>> = {
  upstream_1: 'EU one',
  upstream_2: 'EU two',
  upstream_3: 'US',
}

function told(row: SettledRow, isOperators = true): string[] {
  return storyOf({ row, price: [], nameOf: (id) => NAMES[id] ?? id, isOperators })
}

const CANDIDATES = [{ upstream: 'upstream_1' }, { upstream: 'upstream_2' }]
const SENT = {
  did: 'sent',
  upstream: 'upstream_1',
  modelId: 'eu.anthropic.claude-opus-5-5',
  region: 'eu-west-1',
} as const

function withTrail(trail: Partial<Trail>, more: Partial<SettledRow> = {}) {
  return storyRow({ ...more, trail: { strategy: 'sticky', candidates: CANDIDATES, steps: [], ...trail } })
}

/** Only what the steps say. */
function steps(...list: TrailStep[]): string[] {
  return told(withTrail({ steps: list })).filter((sentence) => sentence.startsWith('At '))
}

test('a call that simply went through takes four sentences', () => {
  expect(told(storyRow())).toEqual([
    "A call for the model 'claude-opus-5-5' came in at 2026-11-20 12:00:00 UTC, in the session 'session-1', to be streamed.",
    'There was nothing to choose, and nothing went wrong on the way to the upstream.',
    "It ran at 'EU one' (bedrock, eu-west-1) as 'eu.anthropic.claude-opus-5-5': it may run in eu.",
    'It was answered to its end after 12.3 s, the first byte of it after 840 ms (end_turn).',
  ])
})

test('a night with everything in it', () => {
  const row = withTrail(
    {
      bound: 'upstream_1',
      candidates: [
        ...CANDIDATES,
        {
          upstream: 'upstream_3',
          reason: 'geography',
          detail: "it may run in us, the team's geographies are eu",
        },
      ],
      steps: [
        { did: 'waited', at: 0, ms: 1_210, upstream: 'upstream_1', why: 'headroom' },
        { ...SENT, at: 1_210 },
        { did: 'failed', at: 1_530, upstream: 'upstream_1', error: 'rate_limit_error', class: 'throttled' },
        {
          did: 'weighed',
          at: 1_530,
          from: 'upstream_1',
          to: 'upstream_2',
          rewriteNano: 281_250_000,
          waitMs: 42_000,
          chose: 'move',
        },
        { ...SENT, upstream: 'upstream_2', region: 'eu-central-1', at: 1_531 },
        { did: 'retried', at: 1_800, upstream: 'upstream_2', without: ['context-management-2025-06-27'] },
        { ...SENT, upstream: 'upstream_2', region: 'eu-central-1', at: 1_801 },
      ],
      removed: ['context-management-2025-06-27'],
      within: [['eu']],
      reach: ['eu', 'eu-central-1'],
    },
    { upstream: 'upstream_2', region: 'eu-central-1', attempts: 3, agentId: 'agent-7' },
  )
  expect(told(row).join('\n')).toBe(
    `A call for the model 'claude-opus-5-5' came in at 2026-11-20 12:00:00 UTC, in the session 'session-1', by its subagent 'agent-7', to be streamed.
Its session is kept to 'EU one', where its cache is.
It could go to 'EU one', then 'EU two'.
'US' was left out: it runs elsewhere than allowed (it may run in us, the team's geographies are eu).
At 0 ms it waited for 'EU one', for 1.2 s: its quota of tokens a minute had no room for the call.
At 1.2 s it was sent to 'EU one' in eu-west-1 as 'eu.anthropic.claude-opus-5-5'.
At 1.5 s 'EU one' throttled it: its quota of tokens a minute was used up (rate_limit_error).
At 1.5 s it was weighed: going to 'EU two' would cost $0.2813 for writing the cache of the session anew there, waiting for 'EU one' was expected to take 42.0 s. It went.
At 1.5 s it was sent to 'EU two' in eu-central-1 as 'eu.anthropic.claude-opus-5-5'.
At 1.8 s 'EU two' objected to 'context-management-2025-06-27': it was asked again without that.
At 1.8 s it was sent to 'EU two' again.
The upstream was not sent what it does not take: 'context-management-2025-06-27'.
It ran at 'EU two' (bedrock, eu-central-1) as 'eu.anthropic.claude-opus-5-5': it may run in eu, eu-central-1, within what the policy allows: eu.
It was answered to its end after 12.3 s, the first byte of it after 840 ms (end_turn).`,
  )
})

describe('what was chosen from', () => {
  test.each([
    [
      'sticky',
      'Its session was not kept to any upstream yet; the first in the order is where it is kept from now on.',
    ],
    ['priority', 'Upstreams are tried by priority.'],
    ['weighted', 'Upstreams are tried in an order drawn by their weights.'],
    ['least_loaded', 'Upstreams are tried by how little they had to do, the least first.'],
  ])('by %s', (strategy, sentence) => {
    expect(told(withTrail({ strategy }))[1]).toBe(sentence)
  })

  test('a session that could not stay where it was', () => {
    expect(told(withTrail({ bound: 'upstream_3' })).slice(1, 3)).toEqual([
      "Its session was kept to 'US', where its cache was, which could not come first now.",
      "It could go to 'EU one', then 'EU two'.",
    ])
  })

  test('by strategies that nobody has heard of, nothing is said', () => {
    expect(told(withTrail({ strategy: 'only', candidates: [{ upstream: 'gone' }] }))[1]).toBe(
      "Only 'gone' could take it.",
    )
  })

  test.each([
    ['disabled', undefined, 'it is switched off'],
    ['misconfigured', 'No region is set.', 'it is not set up (No region is set.)'],
    ['not_asked', undefined, 'another upstream is asked for'],
    ['no_model', undefined, 'it does not have this model'],
    [
      'not_allowed',
      'it is not among the upstreams of the team',
      'it may not be used (it is not among the upstreams of the team)',
    ],
    [
      'provider',
      "the team's providers are bedrock",
      "its provider is not allowed (the team's providers are bedrock)",
    ],
    ['geography', 'it may run anywhere', 'it runs elsewhere than allowed (it may run anywhere)'],
    ['unhealthy', 'arn:aws:iam::123456789012:role/x', 'it is not healthy (arn:aws:iam::123456789012:role/x)'],
    ['breaker_open', 'for 12 s', 'it has just failed (for 12 s)'],
    ['no_headroom', 'room in 3 s', 'its account has no room just now (room in 3 s)'],
    ['solar_flare', undefined, 'solar_flare'],
  ])('one is left out: %s', (reason, detail, words) => {
    const left = { upstream: 'upstream_3', reason, ...(detail === undefined ? {} : { detail }) }
    expect(told(withTrail({ candidates: [...CANDIDATES, left] }))[3]).toBe(`'US' was left out: ${words}.`)
  })

  test('one is in the order for want of better ones', () => {
    const candidates = [
      { upstream: 'upstream_1', reason: 'breaker_open', detail: 'for 3 s', despite: true },
    ] as const
    expect(told(withTrail({ candidates })).slice(2, 4)).toEqual([
      "Only 'EU one' could take it.",
      "'EU one' stayed in the order for want of better ones, although it has just failed (for 3 s).",
    ])
  })

  test('what is wrong with an account is for whoever runs the gateway', () => {
    const left = { upstream: 'upstream_3', reason: 'unhealthy', detail: 'bedrock:InvokeModel is refused' }
    const row = withTrail({ candidates: [...CANDIDATES, left] })
    expect(told(row, false)[3]).toBe("'US' was left out: it is not healthy.")
  })
})

describe('a step', () => {
  test.each([
    ['throttled', 'throttled it: its quota of tokens a minute was used up'],
    ['spent_today', 'would take nothing more today: its quota of the day was used up'],
    ['overloaded', 'said that it had too much to do'],
    ['failed', 'failed with an error of its own'],
    ['slow', 'did not answer in time'],
    ['unreachable', 'could not be reached'],
    ['credentials', "did not accept the gateway's credentials"],
    ['billing', 'refused it for want of money, or of a subscription, of the account behind it'],
    ['access', 'does not let its account use this model'],
    ['of_tomorrow', 'failed'],
  ])('failed: %s', (failure, words) => {
    expect(
      steps({ did: 'failed', at: 5, upstream: 'upstream_1', error: 'api_error', class: failure }),
    ).toEqual([`At 5 ms 'EU one' ${words} (api_error).`])
  })

  test('a probe says what it is for, and a second request to the same place that it is one', () => {
    expect(steps({ ...SENT, at: 0, probe: true }, { ...SENT, at: 200 })).toEqual([
      "At 0 ms it was sent to 'EU one' in eu-west-1 as 'eu.anthropic.claude-opus-5-5', to find out whether that works again.",
      "At 200 ms it was sent to 'EU one' again.",
    ])
  })

  test.each([
    ['headroom', 'its quota of tokens a minute had no room for the call'],
    ['throttled', 'it had said that it had no room, and was to be asked again'],
    ['breaker', 'calls had failed there just before, and the cache of the session is there'],
    ['moonrise', 'moonrise'],
  ])('waited for %s', (why, words) => {
    expect(steps({ did: 'waited', at: 65_000, ms: 64_900, upstream: 'upstream_1', why })).toEqual([
      `At 1 min 5 s it waited for 'EU one', for 1 min 4 s: ${words}.`,
    ])
  })

  test.each([
    [
      'hold',
      'upstream_2',
      "At 0 ms it was weighed: going to 'EU two' would cost $1.50 for writing the cache of the session anew there, waiting for 'EU one' was expected to take 4.0 s. It waited.",
    ],
    [
      'hedge',
      'upstream_2',
      "At 0 ms 'EU one' had not begun to answer after 4.0 s: 'EU two' was to be asked beside it, for $1.50 at the most, and the first to answer taken.",
    ],
    [
      'hold',
      null,
      "At 0 ms there was nowhere else to go, and waiting for 'EU one' was expected to take 4.0 s: it waited.",
    ],
  ] as const)('weighed: %s, to %s', (chose, to, sentence) => {
    const weighed = {
      did: 'weighed',
      at: 0,
      from: 'upstream_1',
      to,
      rewriteNano: 1_500_000_000,
      waitMs: 4_000,
      chose,
    } as const
    expect(steps(weighed)).toEqual([sentence])
  })

  test('tools that the gateway ran, another model, and one of a newer release', () => {
    const later = { did: 'teleported', at: 9 } as unknown as TrailStep
    expect(
      told(
        withTrail({
          steps: [
            { did: 'continued', at: 2_000, upstream: 'upstream_1' },
            { did: 'stepped_down', at: 3, from: 'claude-opus-5-5', to: 'claude-sonnet-5-5' },
            later,
          ],
          more: 12,
        }),
      ).slice(3, 7),
    ).toEqual([
      "At 2.0 s the gateway had run the tools that the model called, and the turn went on at 'EU one'.",
      "At 3 ms no upstream could take 'claude-opus-5-5': by the team's policy 'claude-sonnet-5-5' was asked instead.",
      "At some time there was a step that this release has no words for: 'teleported'.",
      'There was more than is kept of it: 12 entries.',
    ])
  })
})

describe('the end', () => {
  test.each<[Partial<SettledRow>, string]>([
    [
      { status: 'refused', errorType: 'overloaded_error', firstByteMs: null, durationMs: 900 },
      'It was refused after 900 ms with overloaded_error, before anything of an answer had gone out.',
    ],
    [
      { status: 'failed_midstream', errorType: 'timeout_error' },
      'Its answer broke off after 12.3 s, the first byte of it after 840 ms, with timeout_error: once there is content, no other upstream can go on with it.',
    ],
    [{ status: 'cancelled' }, 'The client hung up after 12.3 s.'],
    [
      { status: 'lost', firstByteMs: null, durationMs: null },
      'Its gateway was killed before it ended: this is what was known when it was last sent.',
    ],
    [
      { status: 'pending', firstByteMs: null, durationMs: null },
      'It is under way, or how it ended has not come to the ledger yet.',
    ],
  ])('%j', (row, sentence) => {
    expect(told(storyRow(row)).at(-1)).toBe(sentence)
  })

  test('where it was refused, it was sent somewhere, and ran nowhere', () => {
    const row = storyRow({ status: 'refused', errorType: 'overloaded_error' })
    expect(told(row)[2]).toBe(
      "It was last sent to 'EU one' (bedrock, eu-west-1) as 'eu.anthropic.claude-opus-5-5': it may run in eu.",
    )
  })

  test('what ran beyond the policy is not said to have run within it', () => {
    const row = withTrail({ within: [['eu']], reach: ['global'] })
    expect(told(row)).toContain(
      "It ran at 'EU one' (bedrock, eu-west-1) as 'eu.anthropic.claude-opus-5-5': it may run anywhere, BEYOND what the policy allows: eu.",
    )
  })
})

describe('budgets', () => {
  test.each<[Partial<SettledRow>, string]>([
    [
      { budgetAction: 'notify' },
      'The budget budget_1 is spent so far that people were told; it let the call go on.',
    ],
    [
      { budgetAction: 'slow' },
      'The budget budget_1 is spent so far that it slows calls down; it let this one go on.',
    ],
    [
      { budgetAction: 'step_down', modelId: 'eu.anthropic.claude-haiku-5-5' },
      "The budget budget_1 is spent so far that another model answers: 'claude-opus-5-5' was asked for, 'eu.anthropic.claude-haiku-5-5' was called.",
    ],
  ])('%j', (row, sentence) => {
    expect(told(storyRow({ budgetId: 'budget_1', ...row }))[2]).toBe(sentence)
  })

  test('one that refuses is the whole story', () => {
    const row = storyRow({ budgetId: 'budget_1', budgetAction: 'block', status: 'refused', attempts: 0 })
    expect(told(row).slice(1)).toEqual([
      'The budget budget_1 is spent and refused it: no upstream was asked.',
    ])
  })
})

test('a name that a client made up stays on its line, and is cut', () => {
  const model = `${'x'.repeat(200)}\n\u202eevil\0`
  const [first = ''] = told(storyRow({ model, sessionId: 'a\nb' }))
  expect(first).toContain(`'${'x'.repeat(120)}…'`)
  expect(first).toContain("'a?b'")
  expect(first).not.toMatch(/\n|\u202e/)
})
