/** A service account's word for itself: a JWT signed with its key. https://www.rfc-editor.org/rfc/rfc7519 */
import { importPKCS8, SignJWT } from 'jose'
import { credentialTrouble } from '../../aws.ts'

const ALGORITHM = 'RS256'

/** @throws GatewayError api_error where the key is no RSA key in PKCS #8, as PEM. */
export async function signedJwt(
  claims: Readonly<Record<string, string | number>>,
  { pem, id }: { pem: string; id: string | undefined },
): Promise<string> {
  const key = await importPKCS8(pem, ALGORITHM).catch((cause: unknown) => {
    throw credentialTrouble("The private key of the gateway's Google service account cannot be read.", cause)
  })
  const header = { alg: ALGORITHM, typ: 'JWT', ...(id === undefined ? {} : { kid: id }) }
  return new SignJWT({ ...claims }).setProtectedHeader(header).sign(key)
}
