import { expect, test } from 'vitest'
import { dnsSuffix, isServiceHost, partitionName, serviceHost, stsHost } from '../../src/aws/hosts.ts'
import { upstreamKinds } from '../../src/providers/index.ts'

/** As the rules have it that AWS's own SDKs carry: partitions, and where STS is. */
test.each([
  ['eu-west-1', 'aws', 'amazonaws.com', 'sts.eu-west-1.amazonaws.com', 'sts-fips.eu-west-1.amazonaws.com'],
  [
    'us-gov-west-1',
    'aws-us-gov',
    'amazonaws.com',
    'sts.us-gov-west-1.amazonaws.com',
    'sts.us-gov-west-1.amazonaws.com',
  ],
  [
    'cn-north-1',
    'aws-cn',
    'amazonaws.com.cn',
    'sts.cn-north-1.amazonaws.com.cn',
    'sts-fips.cn-north-1.amazonaws.com.cn',
  ],
  [
    'eusc-de-east-1',
    'aws-eusc',
    'amazonaws.eu',
    'sts.eusc-de-east-1.amazonaws.eu',
    'sts-fips.eusc-de-east-1.amazonaws.eu',
  ],
  [
    'us-iso-east-1',
    'aws-iso',
    'c2s.ic.gov',
    'sts.us-iso-east-1.c2s.ic.gov',
    'sts-fips.us-iso-east-1.c2s.ic.gov',
  ],
  [
    'us-isob-east-1',
    'aws-iso-b',
    'sc2s.sgov.gov',
    'sts.us-isob-east-1.sc2s.sgov.gov',
    'sts-fips.us-isob-east-1.sc2s.sgov.gov',
  ],
  [
    'eu-isoe-west-1',
    'aws-iso-e',
    'cloud.adc-e.uk',
    'sts.eu-isoe-west-1.cloud.adc-e.uk',
    'sts-fips.eu-isoe-west-1.cloud.adc-e.uk',
  ],
  [
    'us-isof-south-1',
    'aws-iso-f',
    'csp.hci.ic.gov',
    'sts.us-isof-south-1.csp.hci.ic.gov',
    'sts-fips.us-isof-south-1.csp.hci.ic.gov',
  ],
])('%s is in %s, its hosts end in %s', (region, partition, suffix, sts, fips) => {
  expect([partitionName(region), dnsSuffix(region)]).toEqual([partition, suffix])
  expect([stsHost(region), stsHost(region, { fips: true })]).toEqual([sts, fips])
})

test('hosts with IPv6 have a suffix of their own', () => {
  expect(stsHost('eu-west-1', { dualStack: true })).toBe('sts.eu-west-1.api.aws')
  expect(stsHost('us-gov-west-1', { fips: true, dualStack: true })).toBe('sts-fips.us-gov-west-1.api.aws')
  expect(serviceHost('bedrock', 'cn-north-1', { dualStack: true })).toBe(
    'bedrock.cn-north-1.api.amazonwebservices.com.cn',
  )
})

test('a host is of a service in a region, or of its endpoint in a VPC, and no other', () => {
  const is = (host: string, fips = false) => isServiceHost(host, ['sts'], 'us-east-1', { fips })
  expect(is('sts.us-east-1.amazonaws.com')).toBe(true)
  expect(is('sts-fips.us-east-1.amazonaws.com', true)).toBe(true)
  expect(is('vpce-0a-1b.sts.us-east-1.vpce.amazonaws.com')).toBe(true)
  expect(is('vpce-0a-1b.sts-fips.us-east-1.vpce.amazonaws.com', true)).toBe(true)
  expect(is('sts.us-east-1.amazonaws.com', true)).toBe(false)
  expect(is('sts.us-east-2.amazonaws.com')).toBe(false)
  expect(is('x.sts.us-east-1.vpce.amazonaws.com')).toBe(false)
  expect(is('vpce-0a-1b.x.sts.us-east-1.vpce.amazonaws.com')).toBe(false)
})

test.each([
  ['bedrock', 'us-east-1', 'auto', {}, 'https://bedrock-runtime.us-east-1.amazonaws.com', 'invoke'],
  [
    'bedrock',
    'us-east-1',
    'messages',
    {},
    'https://bedrock-runtime.us-east-1.amazonaws.com',
    'runtime-messages',
  ],
  ['bedrock', 'us-east-1', 'mantle', {}, 'https://bedrock-mantle.us-east-1.api.aws', 'mantle'],
  [
    'bedrock',
    'us-gov-west-1',
    'messages',
    { fips: 'true' },
    'https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com',
    'invoke',
  ],
  ['bedrock', 'us-gov-west-1', 'auto', {}, 'https://bedrock-runtime.us-gov-west-1.amazonaws.com', 'invoke'],
  [
    'bedrock',
    'eu-west-1',
    'auto',
    { dualStack: 'true' },
    'https://bedrock-runtime.eu-west-1.api.aws',
    'invoke',
  ],
  [
    'claude-platform',
    'us-west-2',
    'auto',
    { workspace: 'w' },
    'https://aws-external-anthropic.us-west-2.api.aws',
    'claude-platform',
  ],
  ['anthropic', '', 'auto', {}, 'https://api.anthropic.com', 'anthropic'],
  [
    'vertex',
    'eu',
    'auto',
    { project: 'p' },
    'https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/anthropic/models',
    'vertex',
  ],
] as const)('%s in %s by %s with %o is at %s', (kind, region, transport, settings, endpoint, wire) => {
  const place = upstreamKinds[kind]?.place({ region, transport, settings }, { loopback: false, trusted: [] })
  expect(place).toMatchObject({ endpoint, wire })
})

test('the STS of a role is that of its region, as validated as the upstream wants it, unless said otherwise', () => {
  const role = { credentials: 'role', roleArn: 'arn:aws-us-gov:iam::123456789012:role/x' }
  const endpoint = (region: string, more: object, sts?: string) => {
    const said = { region, transport: 'auto', settings: { ...role, ...more } }
    const access = upstreamKinds['bedrock']?.access(said, { loopback: true, trusted: [] }, sts)
    return access?.by === 'role' ? access.role.endpoint : undefined
  }
  expect(endpoint('us-gov-west-1', { fips: 'true' })).toBe('https://sts.us-gov-west-1.amazonaws.com')
  expect(endpoint('us-east-1', { fips: 'true' })).toBe('https://sts-fips.us-east-1.amazonaws.com')
  expect(endpoint('us-east-1', { dualStack: 'true' })).toBe('https://sts.us-east-1.api.aws')
  expect(endpoint('us-east-1', {}, 'http://127.0.0.1:1')).toBe('http://127.0.0.1:1')
  expect(endpoint('us-east-1', { stsEndpoint: 'http://127.0.0.1:2' }, 'http://127.0.0.1:1')).toBe(
    'http://127.0.0.1:2',
  )
})
