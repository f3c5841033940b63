import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { decode, STREAM, WHOLE } from '../protocol/frames.ts'

/**
 * Silent success is the danger: whatever comes in, either the frames are those that were sent, or there is an error.
 * Runs of FUZZ inputs each; the seed is printed by fast-check when one fails.
 */
describe('fuzzing', () => {
  const FUZZ = 50_000

  test(`${FUZZ} random inputs: no crash, no hang, no frame out of nothing`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (noise) => {
        expect(() => decode([noise])).toThrow(GatewayError)
      }),
      { numRuns: FUZZ },
    )
  }, 60_000)

  test(`${FUZZ} mutated streams: the frames that were sent, or an error`, () => {
    const mutation = fc.record({
      at: fc.nat(STREAM.length - 1),
      how: fc.constantFrom('flip', 'drop', 'repeat', 'insert'),
      length: fc.integer({ min: 1, max: 40 }),
      byte: fc.nat(255),
    })
    const sent = JSON.stringify(WHOLE.map(({ payload }) => payload))
    fc.assert(
      fc.property(mutation, ({ at, how, length, byte }) => {
        const head = STREAM.subarray(0, at)
        const part = STREAM.subarray(at, at + length)
        const tail = STREAM.subarray(at + length)
        const middle = {
          flip: part.map((each) => each ^ byte),
          drop: [],
          repeat: [...part, ...part],
          insert: [byte, ...part],
        }[how]
        const mutated = Uint8Array.from([...head, ...middle, ...tail])
        try {
          const frames = decode([mutated])
          const whole = new Set(WHOLE.map(({ payload }) => payload))
          // Whole frames may be lost or repeated, and a stream that is unharmed is unharmed; nothing else may pass.
          for (const { payload } of frames) expect(whole.has(payload)).toBe(true)
          if (mutated.length === STREAM.length && how === 'flip')
            expect(JSON.stringify(frames.map(({ payload }) => payload))).toBe(sent)
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
        }
      }),
      { numRuns: FUZZ },
    )
  }, 60_000)
})
