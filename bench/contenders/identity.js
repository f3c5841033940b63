/** A Worker that passes everything through and translates nothing. */
export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url)
    return fetch(`${env.UPSTREAM}${pathname}${search}`, request)
  },
}
