import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress, reachOf } from '../../src/protocol/addresses.ts'

const reach = (text: string) => {
  const address = parseAddress(text)
  return address ? reachOf(address) : 'unreadable'
}

describe('the reach of an address', () => {
  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001:81b::200e',
    '2400:cb00::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2606:4700::5efe:808:808',
  ])('%s is public', (address) => expect(reach(address)).toBe('public'))

  test.each(['127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
    '%s is loopback',
    (address) => expect(reach(address)).toBe('loopback'),
  )

  test.each([
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    'fc00::',
    'fd12:3456:789a::1',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '::ffff:10.0.0.1',
  ])('%s is private', (address) => expect(reach(address)).toBe('private'))

  test.each([
    '0.0.0.0',
    '0.255.255.255',
    '100.100.100.200',
    '168.63.129.16',
    '169.254.0.0',
    '169.254.169.254',
    '169.254.170.2',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.0',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.0',
    '255.255.255.255',
    '::',
    '::ffff:0.0.0.0',
    '::ffff:169.254.169.254',
    '::ffff:0:7f00:1',
    '::127.0.0.1',
    '::8.8.8.8',
    '64:ff9b::127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::8.8.8.8',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:0:1::8.8.8.8',
    '100::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:2::1',
    '2001:10::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:808:808::1',
    '3ffe::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff02::1',
    '2606:4700::5efe:10.0.0.1',
    '2606:4700::200:5efe:169.254.169.254',
  ])('%s is never reached', (address) => expect(reach(address)).toBe('never'))
})

describe('a text', () => {
  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '0x1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4%0',
    '2130706433',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    ':1::',
    '1::2:',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '::1.2.3',
    '[::1]',
    'fe80::1%eth0',
    '::１',
  ])('%j is no address', (text) => expect(parseAddress(text)).toBeUndefined())

  test('is read as the URL parser reads it, in every spelling of IPv6', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const { hostname } = new URL(`http://[${text}]`)
        expect(parseAddress(text)).toEqual(parseAddress(hostname.slice(1, -1)))
        expect(parseAddress(text)).toHaveLength(16)
      }),
      { numRuns: 500 },
    )
  })

  test('is read as it is meant, in IPv4', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), (bytes) => {
        expect(parseAddress(bytes.join('.'))).toEqual(bytes)
        const mapped = parseAddress(`::ffff:${bytes.join('.')}`)
        expect(mapped && reachOf(mapped)).toBe(reachOf(bytes))
      }),
    )
  })
})
