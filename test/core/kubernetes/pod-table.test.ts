import fc from 'fast-check'
import t from 'tap'
import { PodTable, type PodClaim } from '../../../src/core/kubernetes/pod-table.ts'

const claim = (uid: string, addresses: readonly string[], leaving = false): PodClaim =>
  ({ uid, namespace: 'shop', name: uid, addresses, labels: {}, node: 'n1', observed: true, leaving })

t.test('an address belongs to the one pod that has it', async (t) => {
  const table = new PodTable()
  table.put(claim('a', ['10.0.0.1', 'fd00::1']))
  t.strictSame(table.byAddress('10.0.0.1'), { uid: 'a', namespace: 'shop', name: 'a', addresses: ['10.0.0.1', 'fd00::1'], labels: {}, node: 'n1', observed: true })
  t.equal(table.byAddress('fd00::1')?.uid, 'a')
  t.equal(table.byAddress('10.0.0.2'), null)
})

t.test('an address that two running pods have is nobody\'s, until one of them goes', async (t) => {
  const table = new PodTable()
  table.put(claim('a', ['10.0.0.1', '10.0.0.2']))
  table.put(claim('b', ['10.0.0.1']))
  t.equal(table.byAddress('10.0.0.1'), null)
  t.strictSame(table.list().map(({ uid, addresses }) => [uid, addresses]), [['a', ['10.0.0.2']]], 'and no pod of the list has it')
  table.remove('b')
  t.equal(table.byAddress('10.0.0.1')?.uid, 'a')
  t.strictSame(table.byUid('a')?.addresses, ['10.0.0.1', '10.0.0.2'])
})

t.test('an address moves at once from a pod that is being deleted to its successor', async (t) => {
  const table = new PodTable()
  table.put(claim('old', ['10.0.0.1']))
  table.put(claim('old', ['10.0.0.1'], true))
  t.equal(table.byAddress('10.0.0.1')?.uid, 'old', 'while nobody else has it, it keeps it')
  table.put(claim('new', ['10.0.0.1']))
  t.equal(table.byAddress('10.0.0.1')?.uid, 'new')
  t.strictSame(table.byUid('old')?.addresses, [])
})

const MARKS = ['m-00000000-0000-4000-8000-000000000001', 'm-00000000-0000-4000-8000-000000000002']
const marked = (uid: string, mark?: string): PodClaim => ({ ...claim(uid, []), ...(mark !== undefined && { mark }) })

t.test('a mark that two pods bear is nobody\'s while both are there', async (t) => {
  const table = new PodTable()
  const marks = (): (string | undefined)[] => ['a', 'b'].map((uid) => table.byUid(uid)?.mark)
  table.put(marked('a', MARKS[0]))
  t.strictSame(marks(), [MARKS[0], undefined])
  table.put(marked('b', MARKS[0]))
  t.strictSame(marks(), [undefined, undefined])
  table.remove('b')
  t.strictSame(marks(), [MARKS[0], undefined])
})

t.test('a pod that takes another mark than it came with has none, not even its first one again', async (t) => {
  const table = new PodTable()
  const after = (mark?: string): string | undefined => {
    table.put(marked('a', mark))
    return table.byUid('a')?.mark
  }
  t.strictSame([after(MARKS[0]), after(MARKS[1]), after(MARKS[0])], [MARKS[0], undefined, undefined])
  table.put(marked('b'))
  table.put(marked('b', MARKS[1]))
  t.equal(table.byUid('b')?.mark, undefined, 'one that came later is none either')
})

t.test('a pod without an address is known by its uid and is not in the list', async (t) => {
  const table = new PodTable()
  table.put(claim('a', []))
  t.equal(table.byUid('a')?.name, 'a')
  t.strictSame(table.list(), [])
})

t.test('after any changes it says what a table made anew would say', async () => {
  const addresses = fc.uniqueArray(fc.constantFrom('a1', 'a2', 'a3', 'a4'), { maxLength: 3 })
  const change = fc.record({ uid: fc.constantFrom('p', 'q', 'r', 's'), addresses, leaving: fc.boolean(), gone: fc.boolean() })
  fc.assert(fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
    const table = new PodTable()
    const pods = new Map<string, PodClaim>()
    for (const { uid, addresses: claimed, leaving, gone } of changes) {
      if (gone) pods.delete(uid)
      else pods.set(uid, claim(uid, claimed, leaving))
      if (gone) table.remove(uid)
      else table.put(claim(uid, claimed, leaving))
    }
    for (const address of ['a1', 'a2', 'a3', 'a4']) {
      const claims = [...pods.values()].filter((pod) => pod.addresses.includes(address))
      const staying = claims.filter(({ leaving }) => !leaving)
      const owner = claims.length === 1 ? claims[0] : staying.length === 1 ? staying[0] : undefined
      if (table.byAddress(address)?.uid !== owner?.uid) return false
      if (table.list().filter((pod) => pod.addresses.includes(address)).map(({ uid }) => uid).join() !== (owner?.uid ?? '')) return false
    }
    return [...pods.keys()].every((uid) => table.byUid(uid)?.uid === uid)
  }))
})
