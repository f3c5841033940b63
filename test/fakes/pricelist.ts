/**
 * AWS's price list as a file on a loopback port, in the form that AWS publishes: lines about the file, a header, a line
 * a dimension. https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakePriceList {
  url: string
  /** What it answers: lines of the list, or a status. */
  lines: readonly ListLine[]
  status: number
  close(): Promise<void>
}

export interface ListLine {
  service: string
  description: string
  price: string
  unit?: string
  region?: string
}

const ABOUT = [
  '"FormatVersion","v1.0"',
  '"Disclaimer","This pricing list is for informational purposes only. All prices are subject to the additional terms included in the pricing pages on http://aws.amazon.com."',
  '"Publication Date","2026-11-19T18:02:11Z"',
  '"Version","20261119180211"',
  '"OfferCode","AmazonBedrockFoundationModels"',
  '"SKU","OfferTermCode","RateCode","TermType","PriceDescription","EffectiveDate","StartingRange","EndingRange","Unit","PricePerUnit","Currency","Location","Location Type","usageType","operation","Region Code","serviceName"',
]

export function listText(lines: readonly ListLine[]): string {
  const rows = lines.map(({ service, description, price, unit = 'Units', region = 'us-east-1' }, index) =>
    [
      `SKU${index}`,
      'JRTCKXETXF',
      `SKU${index}.JRTCKXETXF.6YS6EN2CT7`,
      'OnDemand',
      `AWS Marketplace software usage|${region}|${description}`,
      '2026-11-01',
      '0',
      'Inf',
      unit,
      price,
      'USD',
      'US East (N. Virginia)',
      'AWS Region',
      'USE1-MP:USE1_input_tokens_global_standard-Units',
      'Usage',
      region,
      service,
    ]
      .map((field) => `"${field}"`)
      .join(','),
  )
  return `${[...ABOUT, ...rows].join('\n')}\n`
}

/** The five lines of a model, with prices as AWS writes them. */
export function modelLines(
  name: string,
  [input, output, read, five, hour]: readonly [number, number, number, number, number],
  scope = 'Global',
): ListLine[] {
  const service = `${name} (Amazon Bedrock Edition)`
  const line = (what: string, price: number): ListLine => ({
    service,
    description: `${what} - Standard, ${scope}`,
    price: price.toFixed(10),
  })
  return [
    line('Input Tokens', input),
    line('Output Tokens', output),
    line('Cache Read Tokens', read),
    line('Cache Write Tokens', five),
    line('Cache Write Tokens (1h TTL)', hour),
  ]
}

export async function startFakePriceList(): Promise<FakePriceList> {
  const server = createServer((_, response) => {
    response.writeHead(fake.status, { 'content-type': 'text/csv' }).end(listText(fake.lines))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const fake: FakePriceList = {
    url: `http://127.0.0.1:${port}/offers/v1.0/aws/AmazonBedrockFoundationModels/current/us-east-1/index.csv`,
    lines: [],
    status: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return fake
}
