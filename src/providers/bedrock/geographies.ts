/**
 * Regions and the geographies that inference profiles keep them in.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/cross-region-inference.html
 */

/** Regions of a geography share its inference profiles; elsewhere there is only the global one. */
const GEOGRAPHIES: readonly [RegExp, string][] = [
  [/^us-gov-/, 'us-gov'],
  [/^us-/, 'us'],
  [/^eu-/, 'eu'],
  [/^ap-northeast-[13]$/, 'jp'],
  [/^ap-southeast-[24]$/, 'au'],
  [/^ap-south-[12]$/, 'in'],
]

/** The prefix of the profiles that plain names are served by. */
export function profileFor(region: string, chosen: string | undefined): string {
  return chosen ?? GEOGRAPHIES.find(([regions]) => regions.test(region))?.[1] ?? 'global'
}

/** Whether profiles of this prefix may be asked for where plain names stay `here`. */
export function isReachable(prefix: string, here: string): boolean {
  return prefix === here || prefix === 'global'
}

/** The government's regions have prices of their own. */
export function inside(region: string): string {
  return region.startsWith('us-gov-') ? 'us-gov' : 'region'
}

/** The class of a profile's regions: several are those of a geography; none but its own stay inside that. */
export function geographyOf(regions: readonly string[], here: string): string {
  const [first] = regions
  if (first === undefined) return inside(here)
  return (
    GEOGRAPHIES.find(([inIt]) => regions.every((region) => inIt.test(region)))?.[1] ??
    WIDE[first.slice(0, 3)] ??
    'apac'
  )
}

/** Geographies whose profiles reach further than the regions that are served by them first. */
const WIDE: Readonly<Record<string, string>> = { 'us-': 'us', 'ca-': 'us', 'eu-': 'eu' }
