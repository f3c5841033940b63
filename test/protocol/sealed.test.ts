import { describe, expect, test } from 'vitest'
import { sealer } from '../../src/protocol/sealed.ts'

const FIRST = 'the first secret key, long enough to be one'
const SECOND = 'the second secret key, long enough to be one'
const box = sealer([FIRST], 'a test')

describe('what is sealed', () => {
  test('opens again, on any replica that has the key', async () => {
    const sealed = await box.seal('prix: 5 €, 日本', 'a page')
    expect(await box.open(sealed, 'a page')).toBe('prix: 5 €, 日本')
    expect(await sealer([FIRST], 'a test').open(sealed, 'a page')).toBe('prix: 5 €, 日本')
  })

  test('is base64 that says which version it is, holds none of the text, and never looks the same twice', async () => {
    const [one, other] = [await box.seal('secret words', ''), await box.seal('secret words', '')]
    expect(one).toMatch(/^b2Mx[A-Za-z0-9+/]+={0,2}$/)
    expect(Buffer.from(one, 'base64').toString('latin1')).not.toContain('secret')
    expect(one).not.toBe(other)
  })

  test('opens while its key is rotated: the first key writes, every one reads', async () => {
    const old = await box.seal('text', '')
    const rotated = sealer([SECOND, FIRST], 'a test')
    expect(await rotated.open(old, '')).toBe('text')
    const fresh = await rotated.seal('text', '')
    expect(await sealer([SECOND], 'a test').open(fresh, '')).toBe('text')
    expect(await box.open(fresh, '')).toBeUndefined()
  })

  test('does not open for another purpose, in another context, or changed by a bit', async () => {
    const sealed = await box.seal('text', 'a page')
    expect(await sealer([FIRST], 'another test').open(sealed, 'a page')).toBeUndefined()
    expect(await box.open(sealed, 'another page')).toBeUndefined()
    const bytes = Buffer.from(sealed, 'base64')
    for (const at of [0, 3, 20, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(await box.open(changed.toString('base64'), 'a page')).toBeUndefined()
    }
  })

  test('was not sealed by us: nothing, and no complaint', async () => {
    for (const foreign of [
      '',
      'EqgfCioIARgBIiQ3YTAwMjY1Mi1mZjM5',
      'not base64!',
      'b2Mx',
      'b2MxAAAA',
      '\ud800',
    ]) {
      expect(await box.open(foreign, '')).toBeUndefined()
    }
  })

  test('needs a key to be sealed with', async () => {
    await expect(sealer([], 'a test').seal('text', '')).rejects.toThrow('no secret key')
    expect(await sealer([], 'a test').open(await box.seal('text', ''), '')).toBeUndefined()
  })
})
