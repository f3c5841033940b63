/** Channels: how people are told. A draft is tested, and what came through its test may be activated. */
import type { z } from '@hono/zod-openapi'
import type { ChannelRow } from '../../data/channels.ts'
import { GatewayError } from '../../errors.ts'
import type { Change } from '../../gateway/audit.ts'
import { checkedSettings, draftChannel, testChannel } from '../../gateway/channels.ts'
import { STALE } from '../../gateway/deliver.ts'
import { channelKinds } from '../../notify/index.ts'
import type { Runtime } from '../../runtime.ts'
import { audited } from './audited.ts'
import * as operations from './channeloperations.ts'
import { viewOfDelivery } from './deliveries.ts'
import { cutPage, resource } from './resource.ts'

export const channels = resource()
  .openapi(operations.listKinds, (c) =>
    c.json({ data: Object.values(channelKinds).map(viewOfKind), next: null }, 200),
  )
  .openapi(operations.create, async (c) => {
    const draft = await draftChannel(c.env, c.req.valid('json'))
    const made = await audited(c, async (tables) => {
      await tables.channels.create(draft)
      return { answer: view(draft), entry: entry('create', undefined, draft) }
    })
    return c.json(made, 201)
  })
  .openapi(operations.list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const { data, next } = cutPage(await c.env.data.channels.list({ after: cursor, limit: limit + 1 }), limit)
    return c.json({ data: await described(c.env, data), next }, 200)
  })
  .openapi(operations.get, async (c) => {
    const channel = await channelIn(c.env, c.req.valid('param').id)
    const [whole] = await described(c.env, [channel])
    return c.json(whole ?? { ...view(channel), deliveries: NONE }, 200)
  })
  .openapi(operations.change, async (c) => {
    const { settings, ...rest } = c.req.valid('json')
    const known = await channelIn(c.env, c.req.valid('param').id)
    const parts = settings && (await checkedSettings(c.env, known, settings))
    const changed = await audited(c, async (tables) => {
      const before = await tables.channels.byId(known.id)
      if (parts) await tables.channels.resettle(known.id, parts)
      const after = await tables.channels.change(known.id, rest)
      return { answer: after, entry: entry('change', before, after) }
    })
    return c.json(view(changed ?? gone(known.id)), 200)
  })
  .openapi(operations.remove, async (c) => {
    const { id } = c.req.valid('param')
    const removed = await audited(c, async (tables) => {
      const before = await tables.channels.byId(id)
      const after = before && (await tables.channels.remove(id, new Date(c.env.now())))
      if (after) await tables.deliveries.abandon(id, 'channel_removed')
      return { answer: after, entry: after && entry('remove', before, undefined) }
    })
    if (!removed) gone(id)
    return c.body(null, 204)
  })
  .openapi(operations.test, async (c) => {
    const channel = await channelIn(c.env, c.req.valid('param').id)
    const { noticeId, problem } = await testChannel(c.env, channel)
    const outcome = { passed: problem === undefined, problem: problem ?? null, notice_id: noticeId }
    const tested = { action: 'channel.test', target: `channel:${channel.id}`, before: null, after: outcome }
    return c.json(await audited(c, async () => ({ answer: outcome, entry: tested })), 200)
  })
  .openapi(operations.activate, async (c) => {
    const { id } = await channelIn(c.env, c.req.valid('param').id)
    const active = await audited(c, async (tables) => {
      const before = await tables.channels.byId(id)
      const after = await tables.channels.activate(id)
      return { answer: after, entry: after && entry('activate', before, after) }
    })
    if (!active) throw untested(id)
    return c.json(view(active), 200)
  })
  .openapi(operations.turnOff, async (c) => {
    const known = await channelIn(c.env, c.req.valid('param').id)
    const off = await audited(c, async (tables) => {
      const before = await tables.channels.byId(known.id)
      const after = await tables.channels.turnOff(known.id)
      return { answer: after ?? before, entry: after && entry('off', before, after) }
    })
    return c.json(view(off ?? gone(known.id)), 200)
  })
  .openapi(operations.retry, async (c) => {
    const { id } = await channelIn(c.env, c.req.valid('param').id)
    const again = await audited(c, async (tables) => {
      const answer = { deliveries: await tables.deliveries.retry(id, new Date(c.env.now() - STALE)) }
      const tried = { action: 'channel.retry', target: `channel:${id}`, before: null, after: answer }
      return { answer, entry: tried }
    })
    return c.json(again, 200)
  })
  .openapi(operations.history, async (c) => {
    const { limit, cursor, state } = c.req.valid('query')
    const { id: channelId } = await channelIn(c.env, c.req.valid('param').id)
    const found = await c.env.data.deliveries.find({ channelId, state, before: cursor, limit: limit + 1 })
    const { data, next } = cutPage(
      found.map((each) => ({ ...each, id: each.noticeId })),
      limit,
    )
    return c.json({ data: data.map(viewOfDelivery), next }, 200)
  })

async function channelIn({ data }: Runtime, id: string): Promise<ChannelRow> {
  return (await data.channels.byId(id)) ?? gone(id)
}

function gone(id: string): never {
  throw new GatewayError('not_found_error', `There is no channel '${id}'.`)
}

function untested(id: string): GatewayError {
  const sentence = `The present settings of the channel '${id}' have not come through a test: POST /channels/${id}/test first.`
  return new GatewayError('invalid_request_error', sentence)
}

function entry(what: string, before: ChannelRow | undefined, after: ChannelRow | undefined): Change {
  const target = `channel:${(after ?? before)?.id}`
  return {
    action: `channel.${what}`,
    target,
    before: before ? view(before) : null,
    after: after ? view(after) : null,
  }
}

const NONE = { waiting: 0, delivered: 0, dead: 0 }

async function described({ data }: Runtime, rows: readonly ChannelRow[]) {
  const counts = rows.length > 0 ? await data.deliveries.tally(rows.map(({ id }) => id)) : []
  return rows.map((row) => {
    const own = counts.filter(({ channelId }) => channelId === row.id)
    const deliveries = { ...NONE, ...Object.fromEntries(own.map(({ state, count }) => [state, count])) }
    return { ...view(row), deliveries }
  })
}

function view(channel: ChannelRow): z.infer<typeof operations.channelView> {
  const { id, kind, name, state, settings, secrets, kinds, teams, testedAt, createdAt } = channel
  const fields = secrets === null ? [] : (channelKinds[kind]?.fields ?? [])
  return {
    id,
    kind,
    name,
    state,
    settings: { ...settings },
    secrets: fields.filter(({ secret }) => secret).map((field) => field.name),
    kinds,
    teams,
    tested_at: testedAt?.toISOString() ?? null,
    created_at: createdAt.toISOString(),
  }
}

function viewOfKind({ kind, label, fields }: (typeof channelKinds)[string]) {
  return {
    kind,
    label,
    fields: fields.map(({ name, label: title, required = false, secret = false, hint = '' }) => {
      return { name, label: title, required, secret, hint }
    }),
  }
}
