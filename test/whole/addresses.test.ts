/** Where a request comes from: what each runtime's server says of it, and what a proxy that is trusted says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRuntimes } from '../services/runtimes.ts'
import { type Gateway, startGateway } from './gateway.ts'

for (const found of await findRuntimes(['node', 'bun', 'deno'])) {
  if ('missing' in found) test.skip(found.missing, () => {})
  describe.skipIf('missing' in found)(`on ${found.host}`, () => {
    let plain: Gateway
    let proxied: Gateway
    beforeAll(async () => {
      plain = await startGateway({ on: found.host })
      proxied = await startGateway({ on: found.host, env: { TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8' } })
    })
    afterAll(async () => {
      await plain?.clear()
      await proxied?.clear()
    })

    async function use(gateway: Gateway, range: string, forwarded?: string) {
      const wish = { name: 'bound', addresses: [range] }
      const { key } = (await (await gateway.admin('POST', '/keys', wish)).json()) as { key: string }
      const headers = {
        'x-api-key': key,
        ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
      }
      const response = await fetch(`${gateway.url}/v1/models`, { headers })
      return { status: response.status, text: await response.text() }
    }

    test('a key works from the range it is bound to, and from no other, whatever the caller writes', async () => {
      expect(await use(plain, '127.0.0.1')).toMatchObject({ status: 200 })
      const elsewhere = await use(plain, '192.0.2.0/24', '192.0.2.7')
      expect(elsewhere).toMatchObject({ status: 403, text: expect.stringContaining('127.0.0.1') })
    })

    test('behind a proxy that is trusted, it is the address that the proxy says', async () => {
      expect(await use(proxied, '192.0.2.0/24', '192.0.2.7, 10.1.1.1')).toMatchObject({ status: 200 })
      expect(await use(proxied, '192.0.2.0/24', '192.0.2.7, 203.0.113.5')).toMatchObject({ status: 403 })
    })

    test('the audit log says it too', async () => {
      await proxied.admin('POST', '/keys', { name: 'seen' })
      const response = await proxied.admin('GET', '/audit?limit=1')
      const { data } = (await response.json()) as { data: { address: string }[] }
      expect(data).toMatchObject([{ address: '127.0.0.1', action: 'key.create' }])
    })
  })
}
