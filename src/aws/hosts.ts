/**
 * Where AWS's services are. https://docs.aws.amazon.com/general/latest/gr/rande.html
 * Partitions: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
 */

interface Partition {
  /** As ARNs have it. */
  name: string
  regions: RegExp
  suffix: string
  /** Of hosts that also have addresses of IPv6. */
  dualStack: string
}

const PARTITIONS: readonly Partition[] = [
  partition('aws-cn', /^cn-/, 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'),
  partition('aws-us-gov', /^us-gov-/, 'amazonaws.com'),
  partition('aws-eusc', /^eusc-/, 'amazonaws.eu', 'api.amazonwebservices.eu'),
  partition('aws-iso-b', /^us-isob-/, 'sc2s.sgov.gov', 'api.aws.scloud'),
  partition('aws-iso', /^us-iso-/, 'c2s.ic.gov', 'api.aws.ic.gov'),
  partition('aws-iso-e', /^eu-isoe-/, 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'),
  partition('aws-iso-f', /^(us|eu)-isof-/, 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'),
  partition('aws', /^/, 'amazonaws.com'),
]

function partition(name: string, regions: RegExp, suffix: string, dualStack = 'api.aws'): Partition {
  return { name, regions, suffix, dualStack }
}

export const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d+$/

function partitionOf(region: string): Partition {
  const found = PARTITIONS.find(({ regions }) => regions.test(region))
  if (!found) throw new Error('the last partition takes every region')
  return found
}

/** `aws`, `aws-us-gov` …, as the ARNs of a region have it. */
export function partitionName(region: string): string {
  return partitionOf(region).name
}

/** The DNS suffix of a region's partition. */
export function dnsSuffix(region: string): string {
  return partitionOf(region).suffix
}

export interface HostWish {
  fips?: boolean | undefined
  dualStack?: boolean | undefined
}

/** The host of a service, by the first label of its hosts. */
export function serviceHost(label: string, region: string, { fips, dualStack }: HostWish = {}): string {
  const { suffix, dualStack: wide } = partitionOf(region)
  return `${label}${fips ? '-fips' : ''}.${region}.${dualStack ? wide : suffix}`
}

/** In GovCloud the plain host is the validated one. https://docs.aws.amazon.com/general/latest/gr/sts.html */
export function stsHost(region: string, { fips, dualStack }: HostWish = {}): string {
  const isPlain = !fips || (region.startsWith('us-gov-') && !dualStack)
  return serviceHost('sts', region, { fips: !isPlain, dualStack })
}

/** An interface endpoint of a VPC, with or without its zone. */
const VPC_ENDPOINT = /^vpce-[0-9a-z]+-[0-9a-z]+(-[a-z0-9-]+)?$/

/**
 * Whether it is a host of one of these services in this region: AWS's own, or an interface endpoint of a VPC. With
 * `fips` none but the validated ones are.
 */
export function isServiceHost(
  host: string,
  labels: readonly string[],
  region: string,
  { fips }: HostWish = {},
): boolean {
  const kinds = fips ? [true] : [false, true]
  const names = labels.flatMap((label) => kinds.map((isFips) => ({ label, isFips })))
  const [first = '', ...rest] = host.split('.')
  const isVpc = VPC_ENDPOINT.test(first)
  return names.some(({ label, isFips }) => {
    const own = [false, true].map((dualStack) => serviceHost(label, region, { fips: isFips, dualStack }))
    const inside = `${label}${isFips ? '-fips' : ''}.${region}.vpce.${dnsSuffix(region)}`
    return own.includes(host) || (isVpc && rest.join('.') === inside)
  })
}
