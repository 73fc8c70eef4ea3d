import t from 'tap'
import { GonePods } from '../../../src/adapters/kubernetes/gone-pods.ts'
import type { Pod } from '../../../src/core/pod.ts'

const identity = (uid: string) => ({ trustDomain: 'cluster.local', namespace: 'shop', uid })
const pod: Pod = { uid: 'here', namespace: 'shop', name: 'web', addresses: ['10.0.0.1'], labels: {}, node: 'n1' }

t.test('an identity ends ten seconds after its pod, and that of a role never', (t) => {
  const clock = { nowMs: 0, now: () => clock.nowMs }
  let pods: readonly Pod[] = [pod]
  const gone = new GonePods({ pods: { byUid: (uid) => pods.find((one) => one.uid === uid) ?? null }, isPod: ({ uid }) => uid !== 'controller', clock })
  t.equal(gone.revoked(identity('here')), null)
  t.equal(gone.revoked(identity('new')), null, 'one that nobody knows yet is waited for')
  clock.nowMs = 9_999
  pods = []
  t.equal(gone.revoked(identity('here')), null)
  t.equal(gone.revoked(identity('new')), null)
  clock.nowMs = 10_000
  t.equal(gone.revoked(identity('new')), 'its pod is gone')
  clock.nowMs = 20_000
  t.equal(gone.revoked(identity('here')), 'its pod is gone')
  t.equal(gone.revoked(identity('controller')), null)
  pods = [pod]
  t.equal(gone.revoked(identity('here')), null, 'back in the directory, it is believed')
  t.end()
})
