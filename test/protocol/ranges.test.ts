/** Ranges of addresses, and whose address a request comes from. */
import { describe, expect, test } from 'vitest'
import { clientOf, holds, isInside, parseRange, type Range } from '../../src/protocol/ranges.ts'

const range = (text: string): Range => {
  const parsed = parseRange(text)
  if (!parsed) throw new Error(`${text} is no range`)
  return parsed
}

describe('a range', () => {
  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '010.0.0.0/8',
    '::1/129',
    '2001:db8::1/32',
    'example.com',
    '10.0.0.0/8 ',
    'fe80::1%eth0',
  ])('is not %j', (text) => {
    expect(parseRange(text)).toBeUndefined()
  })

  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.128/25', '10.1.2.127', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1/128', '::1', true],
    ['10.0.0.0/8', 'localhost', false],
    ['10.0.0.0/8', '', false],
  ])('%s holds %s: %s', (text, address, isHeld) => {
    expect(holds([range(text)], address)).toBe(isHeld)
  })

  test.each([
    ['10.1.0.0/16', '10.0.0.0/8', true],
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.0.0.0/7', '10.0.0.0/8', false],
    ['11.0.0.0/16', '10.0.0.0/8', false],
    ['2001:db8::/48', '2001:db8::/32', true],
    ['10.0.0.0/8', '::/0', false],
  ])('%s is inside %s: %s', (inner, outer, isIt) => {
    expect(isInside(range(inner), range(outer))).toBe(isIt)
  })
})

describe('a request comes from', () => {
  const proxies = [range('10.0.0.0/8'), range('fd00::/8')]

  test.each([
    ['its peer, whatever it says', '203.0.113.9', '192.0.2.1', '203.0.113.9'],
    ['whom a trusted proxy names', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    [
      'the last who is not a proxy, whoever wrote the rest',
      '10.0.0.1',
      '1.1.1.1, 192.0.2.1, 10.0.0.2',
      '192.0.2.1',
    ],
    ['the first proxy, where there are only such', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['the proxy, where it names nobody', '10.0.0.1', null, '10.0.0.1'],
    ['the last that can be read', '10.0.0.1', '192.0.2.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['an address without its port', '::ffff:10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
    ['an address without its brackets', 'fd00::1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['nobody knows whom', undefined, '192.0.2.1', undefined],
  ])('%s', (_, peer, forwarded, client) => {
    expect(clientOf(peer, forwarded, proxies)).toBe(client)
  })
})
