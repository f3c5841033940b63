/** A routing policy as the admin API has it, of the organisation and of its teams. */
import { z } from '@hono/zod-openapi'
import { type RoutingPolicy, STRATEGIES } from '../../data/tables/upstreams.ts'
import { GatewayError } from '../../errors.ts'
import { GEOGRAPHIES, isPlace, isWithin } from '../../gateway/routing/geography.ts'
import { DEFAULTS, MOST_PATIENCE } from '../../gateway/routing/policy.ts'
import { said } from './fields.ts'
import { text } from './resource.ts'

/** As policies know who runs a call. */
const PROVIDERS = ['bedrock', 'claude-platform', 'anthropic', 'vertex'] as const

const place = text(50).refine(
  isPlace,
  `Input should be one of ${GEOGRAPHIES.join(', ')}, or a region such as eu-west-1 or europe-west1`,
)
const model = text(200).min(1)

const fields = {
  strategy: z
    .enum(STRATEGIES)
    .describe(
      `How an upstream is chosen among those that may be. Sessions stay with theirs under \`sticky\`, which is what holds where nothing is said (${DEFAULTS.strategy}).`,
    ),
  upstreams: z
    .array(text(128))
    .max(100)
    .nullable()
    .describe('Ids of those that may be used; null is all of them.'),
  providers: z
    .array(z.enum(PROVIDERS))
    .max(PROVIDERS.length)
    .nullable()
    .describe(
      'Those that may be used; null is all of them. Where nobody says it, plain model names stay with the provider of ' +
        'the first upstream.',
    ),
  geographies: z
    .array(place)
    .max(50)
    .nullable()
    .describe(
      'Where calls may run, everything that may become of them included; null is anywhere that an upstream runs them. ' +
        'What may run anywhere takes `global`.',
    ),
  step_down: z
    .record(model, z.array(model).min(1).max(5))
    .refine((chains) => Object.keys(chains).length <= 50, 'Input should have at most 50 patterns')
    .describe(
      'By pattern of model names: the models that answer instead where no upstream can serve one, in order.',
    ),
  patience_ms: z
    .int()
    .min(0)
    .max(MOST_PATIENCE)
    .describe(`How long a call may be kept waiting for room; ${DEFAULTS.patience} where nothing is said.`),
}

/** What is left out is not said: a team leaves it to the organisation, that to what goes without saying. */
export const routingWish = z.strictObject(fields).partial()
export const routingView = z.object(fields).partial().openapi('Routing')

type View = z.infer<typeof routingView>

export function storedRouting({ step_down: stepDown, patience_ms: patience, ...wish }: View): RoutingPolicy {
  return said({ ...wish, stepDown, patience })
}

export function shownRouting({ stepDown: step_down, patience: patience_ms, ...policy }: RoutingPolicy): View {
  return said({ ...policy, step_down, patience_ms } as View)
}

/**
 * Whether there is what a policy names.
 * @param known ids of upstreams
 * @throws GatewayError invalid_request_error naming the first that there is not
 */
export function requireUpstreams({ upstreams }: RoutingPolicy, known: readonly string[]) {
  const stranger = upstreams?.find((id) => !known.includes(id))
  if (stranger !== undefined) throw wrong('upstreams', `There is no upstream '${stranger}'`)
}

/**
 * A team's policy may bound further what the organisation's bounds, and no less: what it says beyond it would not hold.
 * @throws GatewayError invalid_request_error naming the first that is beyond
 */
export function requireWithin(team: RoutingPolicy, organisation: RoutingPolicy) {
  const { geographies } = organisation
  const outside = geographies && team.geographies?.find((each) => !isWithin([each], geographies))
  if (outside) throw beyond('geographies', outside, geographies)
  for (const field of ['providers', 'upstreams'] as const) {
    const bound = organisation[field]
    const stranger = bound && team[field]?.find((each) => !bound.includes(each))
    if (stranger) throw beyond(field, stranger, bound)
  }
}

function beyond(field: string, what: string, bound: readonly string[]): GatewayError {
  return wrong(field, `'${what}' is not within the organisation's: ${bound.join(', ') || 'none'}`)
}

function wrong(field: string, sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', `routing.${field}: ${sentence}`)
}
