/**
 * What developers do with Claude Code in a day: sessions of prompts, each a loop of steps with tools between them, now and
 * then a fan-out of subagents, and small calls of the client's own beside it. Shapes and sizes as measured from the client:
 * a conversation grows from 20,000 tokens to 150,000, is compacted then, and is cached up to its last block.
 */
import type { Chance } from './chance.ts'
import type { VirtualTime } from './clock.ts'

/** One call, as the upstream is to understand it. */
export interface Ask {
  developer: number
  session: string
  agent: string | undefined
  model: 'main' | 'small'
  /** Names the beginning that calls of one conversation have in common; compaction makes another. */
  thread: string
  /** What every session of this kind begins with, and how long that is. */
  opening: string
  openingTokens: number
  inputTokens: number
  /** How much of it is within cache breakpoints. */
  cachedTokens: number
  outputTokens: number
  maxTokens: number
  tools: boolean
}

export interface Hours {
  /** Milliseconds since 1970. */
  begin: number
  /** How long the day is; lunch is in its middle. */
  length: number
}

export interface Client {
  /** Resolves when it is answered, retried as Claude Code does. False: it gave up. */
  ask(ask: Ask): Promise<boolean>
}

const MINUTE = 60_000
const MAIN_OPENING = 14_000
const AGENT_OPENING = 8_000
const FIRST_PROMPT = 6_000
const COMPACT_AT = 150_000
const MAX_TOKENS = 32_000

interface Person {
  number: number
  luck: Chance
  time: VirtualTime
  client: Client
  end: number
}

interface Conversation {
  session: string
  agent: string | undefined
  model: Ask['model']
  thread: string
  tokens: number
  compactions: number
}

/** A developer's day. */
export async function work(
  number: number,
  luck: Chance,
  time: VirtualTime,
  client: Client,
  { begin, length }: Hours,
): Promise<void> {
  const person: Person = { number, luck, time, client, end: begin + length * luck.between(0.85, 1) }
  await time.rest(length * luck.between(0, 0.12))
  const lunch = begin + length * luck.between(0.38, 0.46)
  let hadLunch = false
  for (let count = 0; time.now() < person.end; count++) {
    if (!hadLunch && time.now() > lunch) {
      hadLunch = true
      await time.rest(length * luck.between(0.07, 0.11))
    }
    await session(person, `s${number}-${count}`)
    await time.rest(luck.around(18 * MINUTE, 2, 90 * MINUTE)) // meetings, reviews, reading
  }
}

async function session(person: Person, name: string) {
  const { luck, time, client, number, end } = person
  const main: Conversation = {
    session: name,
    agent: undefined,
    model: 'main',
    thread: name,
    tokens: MAIN_OPENING + FIRST_PROMPT,
    compactions: 0,
  }
  for (let left = luck.trials(9); left > 0 && time.now() < end; left--) {
    if (luck.is(0.6)) void client.ask(aside(number, name, luck))
    await prompt(person, main)
    await time.rest(luck.is(0.1) ? luck.between(6, 20) * MINUTE : luck.around(50_000, 2, 4 * MINUTE))
  }
}

async function prompt(person: Person, main: Conversation) {
  const { luck } = person
  main.tokens += luck.around(300, 3, 8_000)
  const fansOut = luck.is(0.07)
  await loop(person, main, luck.trials(6))
  if (!fansOut) return
  const agents = Math.floor(luck.between(3, 11))
  const model = luck.is(0.5) ? 'small' : 'main'
  const work = Array.from({ length: agents }, (_, index) => {
    const agent = `${main.thread}-${Math.floor(main.tokens)}-a${index}`
    const tokens = AGENT_OPENING + luck.between(1_000, 4_000)
    const each = { session: main.session, agent, model, thread: agent, tokens, compactions: 0 } as const
    const own = { ...person, luck: luck.fork() } // those that work beside each other do not take each other's
    return loop(own, { ...each }, own.luck.trials(8))
  })
  await Promise.all(work)
  main.tokens += agents * 1_200
  await loop(person, main, 1)
}

async function loop(person: Person, talk: Conversation, steps: number) {
  const { luck, time, client, number } = person
  for (let step = 0; step < steps; step++) {
    const ask = stepOf(number, talk, luck)
    if (!(await client.ask(ask))) return
    talk.tokens += ask.outputTokens + luck.around(900, 3, 20_000)
    if (talk.tokens > COMPACT_AT) await compact(person, talk)
    if (step < steps - 1) await time.rest(luck.around(1_500, 3, 90_000)) // a tool runs
  }
}

async function compact({ luck, client, number }: Person, talk: Conversation) {
  await client.ask({ ...stepOf(number, talk, luck), outputTokens: Math.floor(luck.between(2_000, 5_000)) })
  talk.compactions++
  talk.thread = `${talk.session}-c${talk.compactions}`
  talk.tokens = MAIN_OPENING + FIRST_PROMPT + 6_000
}

function stepOf(developer: number, talk: Conversation, luck: Chance): Ask {
  const { session, agent, model, thread } = talk
  const inputTokens = Math.floor(talk.tokens)
  return {
    developer,
    session,
    agent,
    model,
    thread,
    opening: `${agent === undefined ? 'main' : 'agent'}-${model}`,
    openingTokens: agent === undefined ? MAIN_OPENING : AGENT_OPENING,
    inputTokens,
    cachedTokens: inputTokens - 20,
    outputTokens: Math.ceil(luck.around(220, 2.6, 12_000)),
    maxTokens: MAX_TOKENS,
    tools: true,
  }
}

/** A title, a summary, a guess whether the topic is new. */
function aside(developer: number, session: string, luck: Chance): Ask {
  return {
    developer,
    session,
    agent: undefined,
    model: 'small',
    thread: `${session}-aside`,
    opening: 'aside',
    openingTokens: 0,
    inputTokens: Math.ceil(luck.between(300, 1_500)),
    cachedTokens: 0,
    outputTokens: Math.ceil(luck.between(10, 60)),
    maxTokens: 1_024,
    tools: false,
  }
}
