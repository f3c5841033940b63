/** What there is to do with channels: the operations that channels.ts answers. */
import { z } from '@hono/zod-openapi'
import { NOTICE_KINDS } from '../../gateway/notices.ts'
import { DELIVERY_STATES, deliveryView } from './deliveries.ts'
import { json, operation, pageOf, paging, refusals, text } from './resource.ts'

const kinds = z
  .array(z.enum(NOTICE_KINDS).exclude(['test']))
  .min(1)
  .nullable()
  .describe('Kinds of notice it is for; null is all of them.')
const teams = z
  .array(text(128).min(1))
  .min(1)
  .max(100)
  .nullable()
  .describe('Teams whose notices it is for; null is all of them, and what is about no team.')
const name = text(200).trim().min(1)
/** JSON in Postgres holds no half of a character. */
const setting = text(4_000).refine((value) => !/\p{Cs}/u.test(value), 'Input should be well-formed text')
const settings = z.record(z.string().max(50), setting)

const tally = z.object({ waiting: z.number().int(), delivered: z.number().int(), dead: z.number().int() })

export const channelView = z
  .object({
    id: z.string(),
    kind: z.string(),
    name: z.string(),
    state: z.enum(['draft', 'active', 'off']),
    settings: z.record(z.string(), z.string()).describe('What is not secret.'),
    secrets: z.array(z.string()).describe('Secret settings that it has; they are never shown.'),
    kinds: z.array(z.string()).nullable(),
    teams: z.array(z.string()).nullable(),
    tested_at: z.iso.datetime().nullable().describe('When its present settings came through a test.'),
    created_at: z.iso.datetime(),
  })
  .openapi('Channel')

export const describedView = channelView.extend({ deliveries: tally }).openapi('DescribedChannel')

const fieldView = z.object({
  name: z.string(),
  label: z.string(),
  required: z.boolean(),
  secret: z.boolean(),
  hint: z.string(),
})
export const kindView = z
  .object({ kind: z.string(), label: z.string(), fields: z.array(fieldView) })
  .openapi('ChannelKind')

const path = z.object({ id: text(128) })
const one = { 200: { description: 'The channel as it is now.', content: json(channelView) }, ...refusals }

export const listKinds = operation({
  needs: 'channels.read',
  method: 'get',
  path: '/kinds',
  summary: 'List the kinds of channel there are, and their settings',
  responses: { 200: { description: 'All of them.', content: json(pageOf(kindView)) }, ...refusals },
})

export const create = operation({
  needs: 'channels.change',
  method: 'post',
  path: '/',
  summary: 'Draft a channel',
  request: {
    body: {
      required: true,
      content: json(
        z.strictObject({
          kind: z.string().max(50),
          name,
          settings: settings.default({}),
          kinds: kinds.optional(),
          teams: teams.optional(),
        }),
      ),
    },
  },
  responses: { 201: { description: 'The draft.', content: json(channelView) }, ...refusals },
})

export const list = operation({
  needs: 'channels.read',
  method: 'get',
  path: '/',
  summary: 'List channels, oldest first',
  request: { query: z.object(paging) },
  responses: {
    200: { description: 'A page of channels.', content: json(pageOf(describedView)) },
    ...refusals,
  },
})

export const get = operation({
  needs: 'channels.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at a channel',
  request: { params: path },
  responses: { 200: { description: 'The channel.', content: json(describedView) }, ...refusals },
})

export const change = operation({
  needs: 'channels.change',
  method: 'patch',
  path: '/{id}',
  summary: 'Rename or route a channel; other settings make it a draft again',
  request: {
    params: path,
    body: {
      required: true,
      content: json(
        z.strictObject({
          name: name.optional(),
          kinds: kinds.optional(),
          teams: teams.optional(),
          settings: settings
            .describe('All of them, instead of those before; a secret that is not said stays as it is.')
            .optional(),
        }),
      ),
    },
  },
  responses: one,
})

export const remove = operation({
  needs: 'channels.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Remove a channel; what it delivered stays in the history',
  request: { params: path },
  responses: { 204: { description: 'Nothing goes through it any more.' }, ...refusals },
})

export const test = operation({
  needs: 'channels.change',
  method: 'post',
  path: '/{id}/test',
  summary: 'Send a test through a channel, at once',
  request: { params: path },
  responses: {
    200: {
      description: 'What came of it.',
      content: json(
        z.object({
          passed: z.boolean(),
          problem: z.string().nullable().describe('A word such as http_404, timeout or AccessDenied.'),
          notice_id: z.string(),
        }),
      ),
    },
    ...refusals,
  },
})

export const activate = operation({
  needs: 'channels.change',
  method: 'post',
  path: '/{id}/activate',
  summary: 'Let notices through a channel whose present settings came through a test',
  request: { params: path },
  responses: one,
})

export const turnOff = operation({
  needs: 'channels.change',
  method: 'post',
  path: '/{id}/off',
  summary: 'Let nothing through a channel; what waits for it waits on, for seven days',
  request: { params: path },
  responses: one,
})

export const retry = operation({
  needs: 'channels.change',
  method: 'post',
  path: '/{id}/retry',
  summary: 'Try anew what waits and what was given up in the last seven days',
  request: { params: path },
  responses: {
    200: {
      description: 'How many deliveries are tried, beginning within a minute.',
      content: json(z.object({ deliveries: z.number().int() })),
    },
    ...refusals,
  },
})

export const history = operation({
  needs: 'channels.read',
  method: 'get',
  path: '/{id}/deliveries',
  summary: 'List what went through a channel, newest first',
  request: { params: path, query: z.object({ ...paging, state: z.enum(DELIVERY_STATES).optional() }) },
  responses: {
    200: { description: 'A page of deliveries.', content: json(pageOf(deliveryView)) },
    ...refusals,
  },
})
