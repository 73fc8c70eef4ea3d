import t from 'tap'
import { SeenPods } from '../../../src/core/history/seen-pods.ts'
import { flowRecord, outside, podEnd } from './records.ts'

const DB = podEnd('10.0.0.2', 'db')
const records = [
  flowRecord(podEnd('10.0.0.1', 'web'), DB, { firstMs: 0, lastMs: 100 }),
  flowRecord(podEnd('fd00::1', 'web'), DB, { firstMs: 50, lastMs: 100 }),
  flowRecord(podEnd('10.0.0.1', 'heir'), outside('192.0.2.1'), { firstMs: 200, lastMs: 300 }),
]
const nobody = { source: null, target: null }
const names = (pods: readonly { readonly name: string }[]): string[] => pods.map(({ name }) => name).sort()

t.test('an address is of the pod that had it at the time', (t) => {
  const seen = new SeenPods(records)
  t.same(names(seen.during(0, 90, nobody)), ['db', 'web'])
  t.same(names(seen.during(200, 210, nobody)), ['heir'])
  t.same(seen.during(60, 60, nobody).find(({ name }) => name === 'web')?.addresses, ['10.0.0.1', 'fd00::1'], 'a pod has all of its addresses')
  t.end()
})

t.test('a pod that a detection names by UID is there, with what is known of it', (t) => {
  const during = (uid: string) => new SeenPods(records).during(500, 600, { source: { address: '10.0.0.9', uid, name: 'x', namespace: 'shop' }, target: null })
  t.match(during('uid-web'), [{ uid: 'uid-web', labels: { app: 'web' }, workload: 'Deployment/web' }])
  t.match(during('uid-silent'), [{ uid: 'uid-silent', name: 'x', addresses: ['10.0.0.9'] }])
  t.same(new SeenPods(records).during(500, 600, { source: { address: '10.0.0.1' }, target: null }), [], 'an address alone is nobody')
  t.end()
})

t.test('pods that came later are told from those that were there', (t) => {
  t.same(names(new SeenPods(records).since(60)), ['heir'])
  t.end()
})
