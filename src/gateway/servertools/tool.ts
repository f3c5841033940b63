/**
 * A server tool of a request: where its versions stand, the ordinary tool that is put in their place, for Bedrock has
 * no tools of its own, and what both tools let their owner ask for.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/server-tools
 */
import { GatewayError } from '../../errors.ts'
import type { Json } from '../../protocol/blocks.ts'
import { hasAt } from '../../protocol/bytes.ts'
import type { Edit } from '../../protocol/edits.ts'
import { member, parse, type Value } from '../../protocol/json.ts'
import { mayHoldServerTool } from '../../protocol/jsonnotes.ts'
import type { Call } from '../../protocol/messages.ts'
import { domainFault } from './domains.ts'
import type { ToolName } from './outcome.ts'

export interface Wish {
  maxUses: number | undefined
  allowedDomains: readonly string[]
  blockedDomains: readonly string[]
}

export interface Replacing {
  /** Puts the ordinary tool in the place of every version of this one. */
  edits: readonly Edit[]
}

/** A tool as it was sent, and how errors name it. */
export interface Said {
  said: Json
  path: string
}

/** The last version of a tool in a call, as `check` reads it; undefined where it brings none. */
export function toolOf<Checked extends object>(
  { body, outline }: Call,
  name: ToolName,
  ordinary: Json,
  check: (said: Said) => Checked,
): (Checked & Replacing) | undefined {
  const tools = member(outline, 'tools')
  if (!mayHoldServerTool(tools)) return undefined
  const versioned = encoder.encode(`"${name}_`)
  let found: Checked | undefined
  const edits: Edit[] = []
  for (const [index, tool] of (tools?.elements ?? []).entries()) {
    const type = member(tool, 'type')
    if (!type || !hasAt(body, type.start, versioned)) continue
    const said = parse<Json>(body, tool) ?? {}
    const path = `tools.${index}.${String(said['type'])}`
    if (said['name'] !== name) throw invalid(`${path}.name: Input should be '${name}'`)
    found = check({ said, path })
    edits.push({ start: tool.start, end: tool.end, text: instead(ordinary, body, tool) })
  }
  return found && { ...found, edits }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What an ordinary tool may say too. Everything else is the server tool's own. */
const KEPT: readonly string[] = ['cache_control', 'defer_loading', 'strict']

function instead(ordinary: Json, body: Uint8Array, tool: Value): string {
  const kept = tool.members?.filter(({ key }) => KEPT.includes(key)) ?? []
  const own = kept.map(({ from, end }) => `,${decoder.decode(body.subarray(from, end))}`)
  return `${JSON.stringify(ordinary).slice(0, -1)}${own.join('')}}`
}

/** @throws GatewayError invalid_request_error in Anthropic's words. */
export function wishOf({ said, path }: Said): Wish {
  const allowedDomains = domains(said['allowed_domains'], `${path}.allowed_domains`)
  const blockedDomains = domains(said['blocked_domains'], `${path}.blocked_domains`)
  if (allowedDomains.length > 0 && blockedDomains.length > 0) {
    throw invalid(`${path}: Only one of allowed_domains or blocked_domains may be set.`)
  }
  return { maxUses: figure(said['max_uses'], `${path}.max_uses`), allowedDomains, blockedDomains }
}

/** A whole number above nothing. */
export function figure(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalid(`${path}: Input should be a valid integer`)
  if (value <= 0) throw invalid(`${path}: Input should be greater than 0`)
  return value
}

function domains(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(`${path}: Input should be a valid list`)
  if (value.length === 0) {
    throw invalid(`${path}: Empty list of domains is ambiguous. Provide at least one domain or null.`)
  }
  return value.map((domain: unknown, index) => {
    if (typeof domain !== 'string') throw invalid(`${path}.${index}: Input should be a valid string`)
    const fault = domainFault(domain)
    if (fault !== undefined) throw invalid(`${path}.${index}: ${fault}`)
    return domain.replace(/\/$/, '')
  })
}

export function dictionary(value: unknown, path: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${path}: Input should be a valid dictionary`)
  return value as Json
}

export function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
