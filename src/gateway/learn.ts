/**
 * What an upstream and model do not take is found out once. A call that is refused for a beta or a field is sent again
 * without it, before the first byte; what made the difference is remembered, for every replica, until it expires.
 */
import type { Capability } from '../data/capabilities.ts'
import { isOurs, plainName } from '../protocol/fields/betas.ts'
import { NOTHING_OMITTED, type Omissions } from '../protocol/fields/target.ts'
import type { Call } from '../protocol/messages.ts'
import { nameOfRun } from '../protocol/models.ts'
import type { Reply, Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { type Lesson, lessonsOf, nextTry, sendable, type Try } from './objection.ts'

/** Hidden retries for one call. Each upstream names one thing at a time. */
const RETRIES = 3

/** Of one place: whoever makes fields up must not fill the table. */
const MOST_LESSONS = 500

const LESSON_HOLDS = 24 * 3_600_000
/** How long what other replicas learned may be unknown here. */
const RECALL_EVERY = 60_000
const CACHE_KEY = 'capabilities'

/**
 * Sends a call, leaving out what this upstream and model are known to refuse, or now say they refuse.
 * @param retried is told what each further try leaves out
 */
export async function sendLearning(
  runtime: Runtime,
  route: Route,
  call: Call,
  send: (omit: Omissions) => Promise<Reply>,
  retried: (without: readonly string[]) => void = () => {},
): Promise<Reply> {
  const place = placeOf(route)
  const { places, labels } = runtime.cache.known<Memory>(CACHE_KEY) ?? (await recall(runtime))
  const memory = places.get(place) ?? NOTHING
  let attempt: Try | undefined = firstTry(memory, () => sendable(call, route, NOTHING_OMITTED))
  for (let retries = 0; ; retries++) {
    const { omit }: Try = attempt
    try {
      const reply = await send(omit)
      if (attempt !== FIRST_EVER && memory.length < MOST_LESSONS)
        await remember(runtime, place, lessonsOf(attempt))
      for (const name of reply.removed)
        runtime.metrics.count('outcrop_removed_total', { place, name: labelOf(name, labels) })
      return reply
    } catch (error) {
      attempt = retries < RETRIES ? nextTry(error, call, route, attempt) : undefined
      if (!attempt) throw error
      retried(newIn(attempt.omit, omit))
    }
  }
}

/** What a try leaves out that the one before it did not. */
function newIn({ betas, fields, thinking }: Omissions, before: Omissions): string[] {
  const names = [...betas, ...fields].filter((name) => !before.betas.has(name) && !before.fields.has(name))
  return thinking && !before.thinking ? [...names, 'replayed thinking'] : names
}

/** Labels are from a bounded set: what only a client has a name for is counted together. */
function labelOf(name: string, known: Map<string, string>): string {
  const label = known.get(name) ?? (isOurs(name) ? plainName(name) : 'other')
  if (known.size < MOST_LABELS) known.set(name, label)
  return label
}

/** Clients leave the same few out in every call. */
const MOST_LABELS = 200

/** An admin changed what is known: this process at least acts on it at once. */
export function forgetLessons(runtime: Runtime) {
  runtime.cache.forget(CACHE_KEY)
}

/** What is learned holds for one provider, wire, region and model. */
export function placeOf(route: Route): string {
  const { provider, wire, region } = route.upstream
  return `${provider}/${wire}/${region}/${nameOfRun(route)}`
}

/** What to leave out of a call from the start, and the one suspect that it may carry. */
function firstTry(memory: readonly Capability[], betas: () => readonly string[]): Try {
  if (memory.length === 0) return FIRST_EVER
  const named = (kind: Capability['kind'], verdict: Capability['verdict']) =>
    memory.filter((each) => each.kind === kind && each.verdict === verdict).map(({ name }) => name)
  const suspected = new Set(named('beta', 'suspect'))
  const [probe, ...suspects] = suspected.size === 0 ? [] : betas().filter((beta) => suspected.has(beta))
  const omit: Omissions = {
    betas: new Set([...named('beta', 'refused'), ...suspects]),
    fields: new Set(named('field', 'refused')),
    accepted: new Set(
      memory.filter(({ pinned, verdict }) => pinned && verdict === 'accepted').map(({ name }) => name),
    ),
    thinking: false,
  }
  return { omit, probe, named: [], unnamed: [], fields: [] }
}

/** Where nothing is known: it teaches nothing, whatever comes of it. */
const FIRST_EVER: Try = { omit: NOTHING_OMITTED, probe: undefined, named: [], unnamed: [], fields: [] }

interface Memory {
  places: ReadonlyMap<string, readonly Capability[]>
  /** What removed things are counted as, by their names. */
  labels: Map<string, string>
}

const NOTHING: readonly Capability[] = []

/** What is known. Knowing nothing costs a retry, so an outage of the database is not passed on. */
function recall(runtime: Runtime): Promise<Memory> {
  return runtime.cache
    .remember(CACHE_KEY, async () => ({
      value: {
        places: byPlace(await runtime.data.capabilities.all(new Date(runtime.now()))),
        labels: new Map<string, string>(),
      },
      ttl: RECALL_EVERY,
      grace: runtime.config.outageGrace,
    }))
    .catch(() => ({ places: byPlace([]), labels: new Map<string, string>() }))
}

function byPlace(all: readonly Capability[]): Map<string, Capability[]> {
  const places = new Map<string, Capability[]>()
  for (const each of all) {
    const known = places.get(each.place)
    if (known) known.push(each)
    else places.set(each.place, [each])
  }
  return places
}

async function remember(runtime: Runtime, place: string, lessons: readonly Lesson[]) {
  if (lessons.length === 0) return
  const learnedAt = new Date(runtime.now())
  const expiresAt = new Date(runtime.now() + LESSON_HOLDS)
  runtime.log('info', 'learned', { place, lessons: lessons.length })
  await runtime.data.capabilities
    .learn(lessons.map((lesson) => ({ ...lesson, place, pinned: false, learnedAt, expiresAt })))
    .catch(() => runtime.log('warn', 'what was learned could not be kept', { place }))
  forgetLessons(runtime)
}
