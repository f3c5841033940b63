/** A certificate made on the spot, for servers that tests start: no key is ever written down. RFC 5280, as little as will do. */
import { generateKeyPairSync, sign } from 'node:crypto'

/** A self-signed certificate for these names, good for a day either way, and its key: both PEM. */
export function certificateFor(names: readonly string[]): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = sequence(set(sequence(oid('550403'), der(0x0c, Buffer.from('outcrop test')))))
  const validity = sequence(
    ...[-1, 1].map((days) => der(0x17, Buffer.from(utc(Date.now() + days * 86_400_000)))),
  )
  const alternatives = sequence(...names.map((name) => der(0x82, Buffer.from(name))))
  const authority = sequence(der(0x01, Buffer.from([0xff])))
  const extensions = sequence(
    sequence(oid('551d11'), der(0x04, alternatives)),
    sequence(oid('551d13'), der(0x04, authority)),
  )
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_SHA256,
    subject,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)])
  const whole = sequence(body, ECDSA_SHA256, der(0x03, signature)).toString('base64')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${whole.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function sequence(...items: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items))
}

function set(...items: Buffer[]): Buffer {
  return der(0x31, Buffer.concat(items))
}

function oid(hexadecimal: string): Buffer {
  return der(0x06, Buffer.from(hexadecimal, 'hex'))
}

/** `YYMMDDhhmmssZ` */
function utc(at: number): string {
  return `${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`
}
