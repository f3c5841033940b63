/** Whether a text is a token in three parts, by its form alone. https://www.rfc-editor.org/rfc/rfc7519#section-3 */

const LONGEST = 20_000
const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/

export function isJwt(text: string): boolean {
  return text.length <= LONGEST && FORM.test(text)
}
