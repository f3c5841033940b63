/** The settings of a plug-in: checked against its own description, its secrets sealed apart from the rest. */
import { GatewayError } from '../errors.ts'
import { sealer } from '../protocol/sealed.ts'
import type { Field, Settings } from '../protocol/settings.ts'
import type { Runtime } from '../runtime.ts'

export interface Parted {
  open: Record<string, string>
  secret: Record<string, string>
}

/**
 * What is said, parted by what is secret; a secret that is not said stays as it was in `kept`.
 * @throws GatewayError invalid_request_error naming the setting.
 */
export function partedSettings(
  { label, fields }: { label: string; fields: readonly Field[] },
  said: Settings,
  kept: Settings,
): Parted {
  const unknown = Object.keys(said).find((name) => !fields.some((field) => field.name === name))
  if (unknown !== undefined) throw wrongSetting(unknown, `${label} has no such setting`)
  const parted: Parted = { open: {}, secret: {} }
  for (const field of fields) {
    const value = said[field.name] ?? (field.secret ? kept[field.name] : undefined)
    if (value === undefined || value === '') {
      if (field.required) throw wrongSetting(field.name, 'Field required')
      continue
    }
    if (field.options && !field.options.includes(value))
      throw wrongSetting(field.name, `Input should be one of ${field.options.join(', ')}`)
    if (field.url && !URL.canParse(value)) throw wrongSetting(field.name, 'Input should be a valid URL')
    parted[field.secret ? 'secret' : 'open'][field.name] = value
  }
  return parted
}

export function wrongSetting(name: string, sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', `settings.${name}: ${sentence}`)
}

/** Secret settings as one text that only this installation opens, and only for the same `owner`. */
export function sealSettings(
  { config }: Pick<Runtime, 'config'>,
  purpose: string,
  owner: string,
  secret: Settings,
): Promise<string> {
  return sealer(config.secretKeys, purpose).seal(JSON.stringify(secret), owner)
}

/** Undefined for what was sealed under a SECRET_KEY that is no longer one of the keys. */
export async function openSettings(
  { config }: Pick<Runtime, 'config'>,
  purpose: string,
  owner: string,
  sealed: string,
): Promise<Settings | undefined> {
  const text = await sealer(config.secretKeys, purpose).open(sealed, owner)
  return text === undefined ? undefined : (JSON.parse(text) as Settings)
}
