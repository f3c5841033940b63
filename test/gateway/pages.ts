/** A web made by hand: pages by their URL, and what was asked of it. */
import type { EgressLent } from '../../src/egress.ts'

export type Answer = () => Response | Promise<Response>

export interface Web {
  egress: EgressLent
  asked: string[]
}

export const html = (body: string) => () => new Response(body, { headers: { 'content-type': 'text/html' } })
export const plain = (body: string) => () => new Response(body, { headers: { 'content-type': 'text/plain' } })
export const pdf = (body = '%PDF-1.7') =>
  (() => new Response(body, { headers: { 'content-type': 'application/pdf' } })) satisfies Answer
export const to = (location: string) => () => new Response(null, { status: 302, headers: { location } })

/** Any page that is not here is a 404. */
export function webOf(pages: Record<string, Answer>): Web {
  const asked: string[] = []
  return {
    asked,
    egress: {
      pins: true,
      loopback: false,
      resolve: async () => ['93.184.215.14'],
      async send({ url }) {
        asked.push(url.href)
        return (pages[url.href] ?? (() => new Response('', { status: 404 })))()
      },
    },
  }
}
