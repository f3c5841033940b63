/** A JWT signed with RS256, by WebCrypto. https://www.rfc-editor.org/rfc/rfc7519 */
import { credentialTrouble } from '../../aws.ts'
import { fromBase64, toBase64 } from '../../protocol/base64.ts'

const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const encoder = new TextEncoder()

/** @throws GatewayError api_error where the key is no RSA key in PKCS #8, as PEM. */
export async function signedJwt(
  claims: Readonly<Record<string, string | number>>,
  { pem, id }: { pem: string; id: string | undefined },
): Promise<string> {
  const header = { alg: 'RS256', typ: 'JWT', ...(id === undefined ? {} : { kid: id }) }
  const text = `${url64(encoder.encode(JSON.stringify(header)))}.${url64(encoder.encode(JSON.stringify(claims)))}`
  const signature = await crypto.subtle.sign(RS256.name, await privateKey(pem), encoder.encode(text))
  return `${text}.${url64(new Uint8Array(signature))}`
}

async function privateKey(pem: string): Promise<CryptoKey> {
  try {
    const base64 = encoder.encode(pem.replaceAll(/-----[^-]+-----|\s/g, ''))
    const der = fromBase64(base64, 0, base64.length)
    return await crypto.subtle.importKey('pkcs8', der, RS256, false, ['sign'])
  } catch (cause) {
    throw credentialTrouble("The private key of the gateway's Google service account cannot be read.", cause)
  }
}

/** Base64 as URLs take it. https://www.rfc-editor.org/rfc/rfc4648#section-5 */
function url64(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
