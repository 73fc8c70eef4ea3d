import t from 'tap'
import { patchOf } from '../../../webhook/inject/patch.ts'

const [one, two, three, four] = [{ name: 'one' }, { name: 'two' }, { name: 'three' }, { name: 'four' }]

t.test('an element put first is one operation, and its neighbours are not named', async (t) => {
  t.strictSame(patchOf({ list: [one, two] }, { list: [three, one, two] }), [{ op: 'add', path: '/list/0', value: three }])
})

t.test('an element put last is one operation', async (t) => {
  t.strictSame(patchOf({ list: [one, two] }, { list: [one, two, three] }), [{ op: 'add', path: '/list/2', value: three }])
})

t.test('what is changed inside one element is changed there', async (t) => {
  const changed = { ...two, image: 'b' }
  t.strictSame(patchOf({ list: [one, two, three] }, { list: [one, changed, three] }), [{ op: 'add', path: '/list/1/image', value: 'b' }])
})

t.test('elements are taken out from the end on, so that no place shifts under the next operation', async (t) => {
  t.strictSame(patchOf({ list: [one, two, three, four] }, { list: [two, four] }), [{ op: 'remove', path: '/list/2' }, { op: 'remove', path: '/list/0' }])
})

t.test('another order is written as a whole list', async (t) => {
  t.strictSame(patchOf({ list: [1, 2] }, { list: [2, 1] }), [{ op: 'replace', path: '/list', value: [2, 1] }])
})

t.test('slashes and tildes in names are escaped (RFC 6901)', async (t) => {
  t.strictSame(patchOf({ a: {} }, { a: { 'b/c~d': 1 } }), [{ op: 'add', path: '/a/b~1c~0d', value: 1 }])
})

t.test('a list of a hundred thousand elements costs no stack and no quadratic time', async (t) => {
  const list = Array.from({ length: 100_000 }, (_, at) => ({ at }))
  t.strictSame(patchOf({ list }, { list: [one, ...list] }), [{ op: 'add', path: '/list/0', value: one }])
})
