/**
 * The benchmark's Bedrock: answers at once, in the wire it is asked in, and judges nothing. A process of its own, so
 * fast that no contender waits for it: https://docs.aws.amazon.com/bedrock/latest/APIReference/welcome.html
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Answers, answersIn, type Manner, type Operation } from './upstream/answers.ts'
import { pacer } from './upstream/pacer.ts'
import { httpReader } from './wire.ts'

const OPERATION = /^POST \/model\/[^/ ]+\/(invoke|invoke-with-response-stream|converse|converse-stream)[ ?]/
const NOTHING_HERE = Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
const BACKLOG = 4_096

/** Serves until the process that started it is gone; each message it is sent says how streams are answered from then on. */
function serve() {
  let answers: Answers = answersIn({ events: 200, over: 0 })
  const pace = pacer()
  const server = createServer({ noDelay: true }, (socket) => {
    let operation: Operation | undefined
    const read = httpReader({
      head(head) {
        operation = OPERATION.exec(head)?.[1] as Operation | undefined
      },
      body() {},
      end() {
        if (operation) answer(socket, operation)
        else socket.write(NOTHING_HERE)
      },
    })
    socket.on('data', read).on('error', () => socket.destroy())
  })

  function answer(socket: Socket, operation: Operation) {
    const { manner } = answers
    const { whole, pieces, burst } = answers.of(operation)
    if (!operation.endsWith('stream')) socket.write(whole)
    else if (manner.silent) socket.write(Buffer.concat(pieces.slice(0, 2)))
    else if (manner.over === 0) socket.write(burst)
    else pace(socket, pieces, manner.over)
  }

  process.on('message', (manner: Manner) => {
    answers = answersIn(manner)
    process.send?.({})
  })
  process.once('disconnect', () => process.exit(0))
  server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

serve()
