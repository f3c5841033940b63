/** Frames, byte for byte as AWS's own codec makes them. */
import { expect, test } from 'vitest'
import { decodeFrame } from './caller.ts'
import { chunkFrame, corrupt, errorFrame, exceptionFrame } from './frames.ts'

test('a chunk is the golden frame', () => {
  expect(chunkFrame('{"type":"message_stop"}', 6).toString('hex')).toBe(
    '000000940000004ba0aac6a10b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d7479706507001061' +
      '70706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a226579' +
      '4a306558426c496a6f696257567a6332466e5a56397a64473977496e303d222c2270223a22616263646566227dcb26c508',
  )
})

test('an exception is the golden frame', () => {
  const message = 'Too many tokens, please wait before trying again.'
  expect(exceptionFrame('throttlingException', message).toString('hex')).toBe(
    '000000b0000000614f5086b30f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e' +
      '0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700' +
      '09657863657074696f6e7b226d657373616765223a22546f6f206d616e7920746f6b656e732c20706c6561736520776169' +
      '74206265666f726520747279696e6720616761696e2e227df70ae57f',
  )
})

test('an error frame carries its code and message in headers', () => {
  expect(decodeFrame(errorFrame('InternalFailure', 'it broke')).headers).toEqual({
    ':error-code': 'InternalFailure',
    ':error-message': 'it broke',
    ':message-type': 'error',
  })
})

test.each(['payload', 'prelude-crc', 'message-crc', 'length'] as const)(
  'a frame with a bad %s does not decode',
  (how) => {
    const frame = chunkFrame('{"type":"ping"}')
    expect(() => decodeFrame(corrupt(frame, how))).toThrow()
    expect(decodeFrame(frame).headers[':event-type']).toBe('chunk')
  },
)
