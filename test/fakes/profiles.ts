/**
 * The part of Bedrock's control plane that tells what an application inference profile leads to.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetInferenceProfile.html
 */
import type { ServerResponse } from 'node:http'
import { findModel } from './models.ts'
import { type Refusal, refusal } from './refusal.ts'
import { type Arrived, type Credentials, verify } from './signature.ts'

interface Book {
  credentials: Credentials
  apiKey: string | undefined
  expired: ReadonlySet<string>
  region: string
  profiles: Readonly<Record<string, string>>
  reach: Readonly<Record<string, readonly string[]>>
  lenient: boolean
  now(): number
}

/** The profile that a path names. */
export async function tellProfile(book: Book, arrived: Arrived, response: ServerResponse): Promise<void> {
  const no = await verify(arrived, { ...book, now: book.now() })
  const arn = decodeURIComponent(arrived.target.slice('/inference-profiles/'.length))
  const found = no ?? findModel(arn, book.region, book.profiles)
  if ('status' in found) return refuse(response, found)
  const name = arn.slice(arn.lastIndexOf('/') + 1)
  if (book.profiles[name] === undefined) return refuse(response, refusal('ResourceNotFoundException'))
  const regions = book.reach[name] ?? [book.region]
  const body = {
    inferenceProfileName: name,
    inferenceProfileId: name,
    inferenceProfileArn: arn,
    models: regions.map((region) => ({
      modelArn: `arn:aws:bedrock:${region}::foundation-model/${found.model.id}`,
    })),
    status: 'ACTIVE',
    type: 'APPLICATION',
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function refuse(response: ServerResponse, { status, type, message }: Refusal): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
    .end(JSON.stringify({ message }))
}
