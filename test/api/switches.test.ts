/** A conversation that changes upstreams: each takes back only the thinking that it has signed itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { forgetUpstreams } from '../../src/gateway/routing/upstreams.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { assemble } from '../fakes/caller.ts'
import { blocks, parse, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Rule } from '../fakes/rules.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

type Name = 'A' | 'B'

/** A Bedrock, and the seals of the thinking that it has let a client see. */
interface Side {
  bedrock: FakeBedrock
  seals: Set<string>
}

const isThought = ({ type }: Thing) => type === 'thinking' || type === 'redacted_thinking'
const sealOf = (block: Thing) => text(block['signature'] ?? block['data'])

function thoughtsIn(body: unknown): Thing[] {
  const messages = things(thing(body)['messages'])
  return messages.flatMap(({ content }) => blocks(content).filter(isThought))
}

/** Thinking that somebody else has signed is refused in Bedrock's words. */
function onlyOwn(seals: ReadonlySet<string>): Rule {
  return ({ body }) => {
    for (const [index, { content }] of things(body['messages']).entries()) {
      for (const [at, block] of blocks(content).entries()) {
        if (!isThought(block) || seals.has(sealOf(block))) continue
        const what =
          block['type'] === 'thinking' ? '`signature` in `thinking`' : '`data` in `redacted_thinking`'
        return `messages.${index}.content.${at}: Invalid ${what} block`
      }
    }
    return undefined
  }
}

/** With a thinking budget, the turn at hand begins with a thought. */
const thinksFirst: Rule = ({ body, thinking }) => {
  const messages = things(body['messages'])
  const at = messages.findLastIndex(({ role }) => role === 'assistant')
  const [first] = blocks(messages[at]?.['content'])
  if (thinking !== 'enabled' || !first || isThought(first)) return undefined
  return `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first['type']}\`.`
}

async function startSide(): Promise<Side> {
  const seals = new Set<string>()
  return { bedrock: await startFakeBedrock({ rules: [onlyOwn(seals), thinksFirst] }), seals }
}

const sides = { A: await startSide(), B: await startSide() }
let gateway: TestGateway
beforeAll(() => expect(sides.A.bedrock.region).toBe(sides.B.bedrock.region))
afterAll(async () => void (await Promise.all(Object.values(sides).map(({ bedrock }) => bedrock.close()))))
beforeEach(async () => {
  for (const { bedrock, seals } of Object.values(sides)) {
    bedrock.reset()
    seals.clear()
  }
  gateway = await gatewayOn(sides.A.bedrock)
})

/** From now on the gateway's calls go there. */
function switchTo(name: Name) {
  gateway.runtime.config.aws.runtimeEndpoint = sides[name].bedrock.url
  forgetUpstreams(gateway.runtime)
}

const TOOLS = [{ name: 'Bash', input_schema: { type: 'object' } }]

/** A conversation that keeps what it is answered exactly as it came. */
function conversation(more: Thing = { model: 'claude-opus-5', thinking: { type: 'adaptive' } }) {
  const messages: Thing[] = []
  return {
    messages,
    /** The tries that one request took upstream, and what was said in the end. */
    async ask(name: Name, content: unknown) {
      const { bedrock, seals } = sides[name]
      const before = bedrock.seen.length
      switchTo(name)
      messages.push({ role: 'user', content })
      const asked = structuredClone(messages)
      const body = { max_tokens: 9_000, stream: true, tools: TOOLS, messages, ...more }
      const response = await gateway.post(body)
      const answer = await response.text()
      expect({ status: response.status, answer }).toMatchObject({
        status: 200,
        answer: expect.stringContaining('event: message_stop'),
      })
      const said = assemble(eventsIn(answer))
      for (const block of said.filter(isThought)) seals.add(sealOf(block))
      messages.push({ role: 'assistant', content: said })
      const tries = bedrock.seen.slice(before)
      return { asked, said, tries, removed: response.headers.get('x-outcrop-removed') ?? '' }
    },
  }
}

function eventsIn(stream: string): Thing[] {
  return stream
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [thing(parse(line.slice(6)))] : []))
}

const outcomes = ({ tries }: { tries: FakeBedrock['seen'] }) => tries.map(({ outcome }) => outcome)
const result = (said: readonly Thing[]) => [
  { type: 'tool_result', tool_use_id: said.find(({ type }) => type === 'tool_use')?.['id'], content: 'ok' },
]

test('three switches: no 400 is seen, and a request costs one hidden retry at most', async () => {
  const { ask } = conversation()
  const route: Name[] = ['A', 'A', 'B', 'B', 'A', 'A', 'B', 'B']
  const retries: number[] = []
  for (const [turn, name] of route.entries()) {
    const { said, tries } = await ask(name, `!think ${name}${turn}`)
    expect(said.filter(isThought)).toHaveLength(1)
    expect(tries.at(-1)?.outcome).toBe('accepted')
    retries.push(tries.length - 1)
  }
  console.log('hidden retries a turn:', route.map((name, turn) => `${name}${retries[turn]}`).join(' '))
  expect(retries.slice(0, 2)).toEqual([0, 0])
  expect(Math.max(...retries)).toBe(1)
})

test('within a round of tool calls, and with thinking that is redacted', async () => {
  const { ask } = conversation()
  const called = await ask('A', '!call Bash {"command":"ls"}')
  const other = await ask('B', result(called.said))
  expect(outcomes(other)).toEqual(['refused', 'accepted'])
  await ask('B', '!redact a secret')
  const back = await ask('A', '!say back')
  expect(outcomes(back)).toEqual(['refused', 'accepted'])
  expect(back.removed).toContain('thinking')
})

test('where nothing but a redacted thought is of somebody else', async () => {
  const { ask } = conversation()
  await ask('A', '!redact a secret')
  expect(outcomes(await ask('B', '!say it is one'))).toEqual(['refused', 'accepted'])
})

test('where everything is its own, thinking goes up as it came, and nothing is tried twice', async () => {
  for (const name of ['A', 'B'] as const) {
    const { ask } = conversation()
    const turns = [
      await ask(name, '!think one'),
      await ask(name, '!redact two'),
      await ask(name, '!call Bash {"command":"ls"}'),
    ]
    turns.push(await ask(name, result(turns.at(-1)?.said ?? [])))
    for (const turn of turns) {
      expect(outcomes(turn)).toEqual(['accepted'])
      expect(thoughtsIn(turn.tries[0]?.body)).toEqual(thoughtsIn({ messages: turn.asked }))
      expect(turn.removed).not.toContain('thinking')
    }
    expect(thoughtsIn(turns.at(-1)?.tries[0]?.body)).toHaveLength(3)
  }
})

test('what an upstream refuses of a conversation is nothing that is remembered of the upstream', async () => {
  const foreign = conversation()
  await foreign.ask('A', '!think of A')
  expect(outcomes(await foreign.ask('B', '!think of B'))).toEqual(['refused', 'accepted'])
  const own = conversation()
  await own.ask('B', '!think of B alone')
  const next = await own.ask('B', '!say so')
  expect(outcomes(next)).toEqual(['accepted'])
  expect(thoughtsIn(next.tries[0]?.body)).toHaveLength(1)
  expect(await gateway.runtime.data.capabilities.all(new Date())).toEqual([])
})

describe('what is left of a conversation after a switch', () => {
  test('is everything but its thinking', async () => {
    const { ask } = conversation()
    await ask('A', '!think of marmots')
    const called = await ask('A', '!call Bash {"command":"ls"}')
    await ask('A', result(called.said))
    const { asked, tries } = await ask('B', '!say on we go')
    const without = asked.map(({ role, content }) => ({
      role,
      content: Array.isArray(content) ? things(content).filter((block) => !isThought(block)) : content,
    }))
    expect(thing(tries[1]?.body)['messages']).toEqual(without)
  })

  /** A model of before 4.6 wants the thought that led to a tool call, and does without only if it is not to think. */
  test('is enough for a model with a thinking budget, between a tool call and its result', async () => {
    const { ask } = conversation({
      model: 'claude-haiku-4-5',
      thinking: { type: 'enabled', budget_tokens: 2_000 },
    })
    const called = await ask('A', '!call Bash {"command":"ls"}')
    await ask('B', result(called.said))
  })
})
