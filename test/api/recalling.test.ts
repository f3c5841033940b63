/** Paths found again: what was found before stands, and no path is taken for another. */
import { expect, test } from 'vitest'
import { RecallingRouter } from '../../src/api/recalling.ts'

function handlersAt(router: RecallingRouter<string>, method: string, path: string) {
  const [found] = router.match(method, path)
  return found.map(([handler, params]) => [handler, { ...params }])
}

function stocked() {
  const router = new RecallingRouter<string>()
  router.add('ALL', '/*', 'all')
  router.add('POST', '/v1/messages', 'messages')
  router.add('GET', '/model/:id', 'model')
  return router
}

test('a path is found the same again, each method and each parameter by itself', () => {
  const router = stocked()
  for (let time = 0; time < 2; time++) {
    const all = ['all', {}]
    expect(handlersAt(router, 'POST', '/v1/messages')).toEqual([all, ['messages', {}]])
    expect(handlersAt(router, 'GET', '/v1/messages')).toEqual([all])
    expect(handlersAt(router, 'GET', '/model/one')).toEqual([all, ['model', { id: 'one' }]])
    expect(handlersAt(router, 'GET', '/model/two')).toEqual([all, ['model', { id: 'two' }]])
  }
})

test('what is recalled is the answer itself, but for paths longer than any of ours', () => {
  const router = stocked()
  expect(router.match('POST', '/v1/messages')).toBe(router.match('POST', '/v1/messages'))
  const long = `/model/${'x'.repeat(64)}`
  expect(router.match('GET', long)).not.toBe(router.match('GET', long))
  expect(router.match('GET', long)).toEqual(router.match('GET', long))
})

test('paths without end are not all kept', () => {
  const router = stocked()
  const first = router.match('GET', '/model/0')
  for (let at = 1; at <= 256; at++) router.match('GET', `/model/${at}`)
  expect(router.match('GET', '/model/0')).not.toBe(first)
  expect(router.match('GET', '/model/0')).toEqual(first)
})

test('a path that is added later is found where it was asked for before', () => {
  const router = stocked()
  router.match('GET', '/late')
  router.add('GET', '/late', 'late')
  expect(handlersAt(router, 'GET', '/late')).toEqual([
    ['all', {}],
    ['late', {}],
  ])
})
