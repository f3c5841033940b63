/** A proxy on node:http that passes everything through and translates nothing: the floor for JavaScript on Node. */
import { Agent, createServer, request } from 'node:http'

const [upstream] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

const server = createServer((asked, answer) => {
  const { method, url: path, headers } = asked
  const sent = request({ agent, host: '127.0.0.1', port: upstream, method, path, headers }, (heard) => {
    answer.writeHead(heard.statusCode, heard.headers)
    heard.pipe(answer)
  })
  sent.on('error', () => answer.destroy())
  answer.on('close', () => sent.destroy())
  asked.pipe(sent)
})

server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  process.send?.({ port: server.address().port }),
)
process.once('disconnect', () => process.exit(0))
