/**
 * What an upstream and model do not take is found out once. A call that is refused for a beta or a field is sent again
 * without it, before the first byte; what made the difference is remembered, for every replica, until it expires.
 */
import type { Capability } from '../data/capabilities.ts'
import { GatewayError } from '../errors.ts'
import { betasFor, unproven } from '../protocol/fields/betas.ts'
import { patternOf } from '../protocol/fields/paths.ts'
import { NOTHING_OMITTED, type Omissions } from '../protocol/fields/target.ts'
import type { Call } from '../protocol/messages.ts'
import type { Objection } from '../protocol/objections.ts'
import type { Reply, Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'

/** Hidden retries for one call. Each upstream names one thing at a time. */
const RETRIES = 3

/** Of one place: whoever makes fields up must not fill the table. */
const MOST_LESSONS = 500

const LESSON_HOLDS = 24 * 3_600_000
/** How long what other replicas learned may be unknown here. */
const RECALL_EVERY = 60_000
const CACHE_KEY = 'capabilities'

/** Sends a call, leaving out what this upstream and model are known to refuse, or now say they refuse. */
export async function sendLearning(
  runtime: Runtime,
  route: Route,
  call: Call,
  send: (omit: Omissions) => Promise<Reply>,
): Promise<Reply> {
  const memory = await recall(runtime, placeOf(route))
  const { probe, omit: known } = omissionsFrom(memory, sendable(call, route, NOTHING_OMITTED))
  let omit = known
  const lessons = new Map<string, Lesson>()
  for (let retries = 0; ; retries++) {
    try {
      const reply = await send(omit)
      if (probe !== undefined && !omit.betas.has(probe))
        lessons.set(probe, { kind: 'beta', name: probe, verdict: 'accepted' })
      if (memory.length < MOST_LESSONS) await remember(runtime, route, [...lessons.values()])
      for (const name of reply.removed)
        runtime.metrics.count('outcrop_removed_total', { place: placeOf(route), name })
      return reply
    } catch (error) {
      const lesson = retries < RETRIES ? lessonFrom(error, call, route, omit, probe) : undefined
      if (!lesson) throw error
      for (const each of lesson.lessons) lessons.set(each.name, each)
      omit = lesson.omit
    }
  }
}

/** An admin changed what is known: this process at least acts on it at once. */
export function forgetLessons(runtime: Runtime) {
  runtime.cache.forget(CACHE_KEY)
}

/** What is learned holds for one provider, wire, region and model. */
export function placeOf({ upstream, model, modelId }: Route): string {
  return [upstream.provider, upstream.wire, upstream.region, model?.name ?? modelId].join('/')
}

type Lesson = Pick<Capability, 'kind' | 'name' | 'verdict'>

interface Improvement {
  omit: Omissions
  lessons: Lesson[]
}

/** The plan for one more try, if there is any. */
function lessonFrom(
  error: unknown,
  call: Call,
  route: Route,
  omit: Omissions,
  probe: string | undefined,
): Improvement | undefined {
  const objection = error instanceof GatewayError ? error.objection : undefined
  if (!objection) return undefined
  if (objection.kind === 'thinking') return withoutThinking(omit)
  if (objection.kind === 'field') return withoutField(objection, call, omit)
  return withoutBetas(objection, sendable(call, route, omit), omit, probe)
}

/** The betas of a call, under the names they are sent by. */
function sendable({ betas }: Call, { upstream, model }: Route, omit: Omissions): string[] {
  return betasFor(betas, { wire: upstream.wire, model, omit })
}

/** First the replayed thoughts go; a model that then misses the one before a tool call must not think at all. */
function withoutThinking(omit: Omissions): Improvement | undefined {
  if (!omit.thinking) return { omit: { ...omit, thinking: true }, lessons: [] }
  if (omit.fields.has('thinking')) return undefined
  return {
    omit: { ...omit, fields: new Set([...omit.fields, 'thinking', 'context_management']) },
    lessons: [],
  }
}

function withoutField(
  { path }: Objection & { kind: 'field' },
  call: Call,
  omit: Omissions,
): Improvement | undefined {
  const pattern = patternOf(call.body, call.outline, path)
  if (pattern === undefined || omit.fields.has(pattern)) return undefined
  return {
    omit: { ...omit, fields: new Set([...omit.fields, pattern]) },
    lessons: [{ kind: 'field', name: pattern, verdict: 'refused' }],
  }
}

/**
 * Betas that are named go. Where none is named, all that are not proven go, or all there are: of several, any may be
 * the guilty one, and from the next call on they are tried one at a time.
 */
function withoutBetas(
  { betas: named }: Objection & { kind: 'betas' },
  sent: readonly string[],
  omit: Omissions,
  probe: string | undefined,
): Improvement | undefined {
  const guilty = named.filter((beta) => sent.includes(beta))
  const candidates = probe !== undefined && sent.includes(probe) ? [probe] : unproven(sent)
  const going = guilty.length > 0 ? guilty : candidates.length > 0 ? candidates : [...sent]
  if (going.length === 0) return undefined
  const certain = guilty.length > 0 || going.length === 1
  return {
    omit: { ...omit, betas: new Set([...omit.betas, ...going]) },
    lessons: going.map((name) => ({ kind: 'beta', name, verdict: certain ? 'refused' : 'suspect' })),
  }
}

/** What to leave out of a call from the start, and the one suspect that it may try. */
function omissionsFrom(
  memory: readonly Capability[],
  betas: readonly string[],
): { omit: Omissions; probe: string | undefined } {
  const named = (kind: Capability['kind'], verdict: Capability['verdict']) =>
    memory.filter((each) => each.kind === kind && each.verdict === verdict).map(({ name }) => name)
  const [probe, ...suspects] = named('beta', 'suspect').filter((beta) => betas.includes(beta))
  return {
    omit: {
      betas: new Set([...named('beta', 'refused'), ...suspects]),
      fields: new Set(named('field', 'refused')),
      accepted: new Set(
        memory.filter(({ pinned, verdict }) => pinned && verdict === 'accepted').map(({ name }) => name),
      ),
      thinking: false,
    },
    probe,
  }
}

/** What is known of a place. Knowing nothing costs a retry, so an outage of the database is not passed on. */
async function recall(runtime: Runtime, place: string): Promise<readonly Capability[]> {
  const known = await runtime.cache
    .remember(CACHE_KEY, async () => ({
      value: byPlace(await runtime.data.capabilities.all(new Date(runtime.now()))),
      ttl: RECALL_EVERY,
    }))
    .catch(() => new Map<string, Capability[]>())
  return known.get(place) ?? []
}

function byPlace(all: readonly Capability[]): Map<string, Capability[]> {
  const places = new Map<string, Capability[]>()
  for (const each of all) places.set(each.place, [...(places.get(each.place) ?? []), each])
  return places
}

async function remember(runtime: Runtime, route: Route, lessons: readonly Lesson[]) {
  if (lessons.length === 0) return
  const learnedAt = new Date(runtime.now())
  const expiresAt = new Date(runtime.now() + LESSON_HOLDS)
  const place = placeOf(route)
  for (const { kind, name, verdict } of lessons)
    runtime.log('info', 'learned', { place, kind, name, verdict })
  await runtime.data.capabilities
    .learn(lessons.map((lesson) => ({ ...lesson, place, pinned: false, learnedAt, expiresAt })))
    .catch(() => runtime.log('warn', 'what was learned could not be kept', { place }))
  forgetLessons(runtime)
}
