/**
 * One turn out of several: the events of the first call upstream, with its calls of our tools told as uses of server
 * tools, then what came of them, then the events of the next call, and so on, as one answer.
 *
 * Results come after all blocks of the step that asked for them, so that the order of blocks says where a step ended:
 * a client that sends the answer back makes the next request begin with the very bytes of this turn's last one.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool#streaming
 */
import type { Json } from '../../protocol/blocks.ts'
import type { Call, StreamEvent, WireUsage } from '../../protocol/messages.ts'
import type { Events } from '../../protocol/streams.ts'
import type { Reply } from '../../providers/provider.ts'
import { placesOf } from './citations.ts'
import { continuation } from './continuation.ts'
import { read, withEnd } from './events.ts'
import type { Owed } from './history.ts'
import { modelId } from './names.ts'
import { type Citing, tellAll } from './outcome.ts'
import {
  blockDelta,
  blockStart,
  blockStop,
  callsClient,
  type Part,
  saidIn,
  type Telling,
  tellResult,
} from './parts.ts'
import { known, object, sum } from './usage.ts'

/** As many as Anthropic allows before it lets the client decide whether to go on. */
const MOST_STEPS = 10

export interface Setting extends Pick<Telling, 'running' | 'places' | 'sealer'> {
  /** The first call, as it went upstream. */
  call: Call
  /** How many tokens the answer may have. */
  room: number | undefined
  owed: readonly Owed[]
  citing: Citing
  send(call: Call): Promise<Reply>
  /** What the turn has cost so far, whenever more of it is known. */
  spent(usage: WireUsage): void
  /** Nobody waits any more. */
  stop(): void
}

interface Turn extends Telling {
  readonly setting: Setting
  /** The connections so far; the last one is being read. */
  readonly wires: [Events, ...Events[]]
  call: Call
  /** The call that is to be read next. */
  next: Promise<Reply> | undefined
  stopped: boolean
  steps: number
  /** What the steps cost that are over, and what the one at hand does. */
  before: Json
  usage: Json
  /** `message_delta`, until it is known whether it is the last one. */
  held: StreamEvent[]
  stopReason: unknown
  /** `message_stop`, while the uses of its step are waited for. */
  stop: StreamEvent | undefined
  used: boolean
  done: boolean
}

export function toolTurn(first: Events, setting: Setting): Events {
  const turn: Turn = {
    setting,
    running: setting.running,
    places: setting.places,
    sealer: setting.sealer,
    call: setting.call,
    wires: [first],
    next: undefined,
    stopped: false,
    out: [],
    blocks: 0,
    parts: new Map(),
    steps: 1,
    before: {},
    usage: {},
    held: [],
    stopReason: undefined,
    stop: undefined,
    used: setting.owed.length > 0,
    done: false,
  }

  async function next(): Promise<StreamEvent[] | undefined> {
    while (turn.out.length === 0) {
      if (turn.stop) {
        await endStep(turn, turn.stop)
        continue
      }
      const wire = await wireOf(turn)
      const batch = await wire.next()
      if (!batch && turn.held.length === 0) return undefined
      if (batch) for (const heard of batch) await hear(turn, heard)
      else turn.out.push(...lastDelta(turn, turn.stopReason))
    }
    return turn.out.splice(0)
  }

  return {
    next,
    cancel() {
      turn.stopped = true
      setting.stop()
      for (const wire of turn.wires) wire.cancel()
    },
  }
}

/** The connection to read from: that of the next call, once it is answered. */
async function wireOf(turn: Turn): Promise<Events> {
  if (turn.next) {
    const { events } = await turn.next
    turn.next = undefined
    turn.wires.push(events)
    if (turn.stopped) events.cancel()
  }
  return turn.wires.at(-1) ?? turn.wires[0]
}

async function hear(turn: Turn, heard: StreamEvent) {
  if (turn.done || turn.stop) return // what follows the end of a message says nothing
  const { type } = heard
  if (type === 'message_start') await messageStart(turn, heard)
  else if (type === 'content_block_start') await blockStart(turn, heard)
  else if (type === 'content_block_delta') await blockDelta(turn, heard)
  else if (type === 'content_block_stop') blockStop(turn, heard)
  else if (type === 'message_delta') messageDelta(turn, heard)
  else if (type === 'message_stop') messageStop(turn, heard)
  else turn.out.push(heard)
}

async function messageStart(turn: Turn, heard: StreamEvent) {
  cost(turn, object(read(heard)['message'])['usage'])
  if (turn.steps > 1) return
  turn.out.push(heard)
  for (const { use, outcome } of turn.setting.owed) await tellResult(turn, use, outcome)
}

function messageDelta(turn: Turn, heard: StreamEvent) {
  const { usage, delta } = read(heard)
  turn.held.push(heard)
  turn.stopReason = object(delta)['stop_reason'] ?? turn.stopReason
  cost(turn, usage)
}

function cost(turn: Turn, usage: unknown) {
  turn.usage = { ...turn.usage, ...known(usage) }
  turn.setting.spent(total(turn) as WireUsage)
}

function total(turn: Turn): Json {
  return sum(turn.before, turn.usage)
}

/** What was said before a use is not held back until that is over. */
function messageStop(turn: Turn, heard: StreamEvent) {
  if ([...turn.parts.values()].some(({ use }) => use)) turn.stop = heard
  else conclude(turn, heard, turn.stopReason)
}

async function endStep(turn: Turn, stop: StreamEvent) {
  const answers = await answered(turn)
  const room = roomLeft(turn)
  const reason = reasonToStop(turn, room)
  turn.stop = undefined
  if (reason !== undefined) conclude(turn, stop, reason)
  else goOn(turn, continuation(turn.call, { said: saidIn(turn.parts.values()), answers, room }))
}

function conclude(turn: Turn, stop: StreamEvent, reason: unknown) {
  turn.done = true
  turn.out.push(...lastDelta(turn, reason), stop)
}

/** Tells what came of the uses in this step, and gives it in the words for the model. */
async function answered(turn: Turn): Promise<string[]> {
  const asked = [...turn.parts.values()].flatMap(({ use }) => use ?? [])
  const found = await Promise.all(
    asked.map(async ({ kind, id, outcome }) => ({ kind, id, outcome: await outcome })),
  )
  for (const { kind, id, outcome } of found) {
    await tellResult(turn, id, outcome)
    turn.places.push(...placesOf(id, outcome))
    tellAll(turn.running, kind.name, outcome)
  }
  turn.used = true
  const { citing } = turn.setting
  return found.map(({ id, outcome }) => outcome.forModel(modelId(id), { citing }))
}

function roomLeft(turn: Turn): number | undefined {
  const { room } = turn.setting
  return room === undefined ? undefined : room - Number(total(turn)['output_tokens'] ?? 0)
}

/** Why the turn is over although tools of ours were used: the model wants more than those, or there must be an end. */
function reasonToStop(turn: Turn, room: number | undefined): unknown {
  if (turn.stopReason !== 'tool_use' || callsClient(turn.parts.values())) return turn.stopReason ?? 'end_turn'
  if (room !== undefined && room <= 0) return 'max_tokens'
  return turn.steps >= MOST_STEPS ? 'pause_turn' : undefined
}

/** The one `message_delta` of the whole turn. Where no tool of ours was used it is the upstream's own. */
function lastDelta(turn: Turn, reason: unknown): StreamEvent[] {
  const held = turn.held.splice(0)
  if (turn.steps === 1 && !turn.used) return held
  const usage = sum(total(turn), { server_tool_use: requests(turn) })
  return [withEnd(held.at(-1), reason, usage)]
}

/** What we answered; what the upstream did itself is in its own figures. */
function requests({ running: { web_search: search, web_fetch: fetch } }: Turn): Json {
  return { web_search_requests: search?.answered() ?? 0, web_fetch_requests: fetch?.answered() ?? 0 }
}

/** The next call is under way before the client has read what was found. */
function goOn(turn: Turn, call: Call) {
  void drained(turn.wires.at(-1) ?? turn.wires[0])
  turn.next = turn.setting.send(call)
  turn.next.catch(() => {}) // whoever reads on hears of it; nobody may
  turn.call = call
  turn.steps++
  turn.before = total(turn)
  turn.usage = {}
  turn.parts = new Map<number, Part>()
  turn.held = []
  turn.stopReason = undefined
}

/** A connection can be used again only when its answer was read to the end. */
async function drained(wire: Events) {
  try {
    while (await wire.next());
  } catch {
    // The message was whole: what breaks after it broke nothing.
  }
}
