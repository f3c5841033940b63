/**
 * What Cloudflare's platform does around a Worker, for a bare workerd: it keeps a queue and delivers from it, fires the
 * cron trigger, and hands out static files. https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
 */

/** Messages that wait to be delivered. Plain data: an isolate of workerd lives as long as its process. */
let waiting = []
let sent = 0

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    switch (pathname) {
      case '/scheduled': // with what is due each hour
        return Response.json(await env.WORKER.scheduled({ cron: '7 * * * *', scheduledTime: new Date() }))
      case '/waiting':
        return Response.json(waiting.map(({ body }) => body))
      case '/deliver':
        return Response.json(await deliver(env))
      case '/message': // what the binding of a queue sends
        waiting.push({ id: `${++sent}`, timestamp: new Date(), body: await request.json(), attempts: 1 })
        return new Response(null)
      default:
        return new Response(null, { status: 404 })
    }
  },
}

async function deliver(env) {
  const batch = waiting
  waiting = []
  const outcome = await env.WORKER.queue('ledger', batch)
  const again = new Set(outcome.retryMessages.map(({ msgId }) => msgId))
  const kept = new Set(outcome.explicitAcks)
  for (const message of batch) {
    if (again.has(message.id) || (outcome.outcome !== 'ok' && !kept.has(message.id)))
      waiting.push({ ...message, attempts: message.attempts + 1 })
  }
  return { delivered: batch.length, left: waiting.length, outcome: outcome.outcome }
}

const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' }

/** The files of dist/portal, as the binding ASSETS has them. */
export const assets = {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const { status, body } = await env.FILES.fetch(`http://files${path}`)
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    return new Response(body, { status, headers: { 'content-type': type } })
  },
}
