import { describe, expect, test } from 'vitest'
import { newId } from '../../src/protocol/ids.ts'
import { hashOf, isWellFormed, newSecret, randomText } from '../../src/protocol/keys.ts'

describe('secrets', () => {
  test('every new secret is well formed and unlike the others', () => {
    const secrets = new Set(Array.from({ length: 1_000 }, newSecret))
    expect(secrets.size).toBe(1_000)
    for (const secret of secrets) expect(isWellFormed(secret)).toBe(true)
  })

  test('a secret with any one character changed, missing or added is refused by its looks', () => {
    const secret = newSecret()
    for (let at = 0; at < secret.length; at++) {
      const other = secret[at] === 'x' ? 'y' : 'x'
      expect(isWellFormed(secret.slice(0, at) + other + secret.slice(at + 1))).toBe(false)
      expect(isWellFormed(secret.slice(0, at) + secret.slice(at + 1))).toBe(false)
    }
    for (const wrong of [
      '',
      'oc_',
      `${secret} `,
      `${secret}0`,
      'sk-ant-api03-0000',
      `OC_${secret.slice(3)}`,
    ]) {
      expect(isWellFormed(wrong)).toBe(false)
    }
  })

  test('what is stored is SHA-256 of the whole', async () => {
    expect(await hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('random characters favour none of the alphabet', () => {
    const counts = new Map<string, number>()
    for (const each of randomText(62_000)) counts.set(each, (counts.get(each) ?? 0) + 1)
    expect(counts.size).toBe(62)
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(200) // over six sigma
  })
})

test('ids are UUIDv7 behind a prefix, and sort by time', () => {
  const at = Date.UTC(2026, 10, 20)
  const ids = Array.from({ length: 50 }, (_, index) => newId('req', at + index * 1_000))
  expect(ids.toSorted()).toEqual(ids)
  for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
  expect(Number.parseInt((ids[0] ?? '').slice(4, 16), 16)).toBe(at)
})
