import t from 'tap'
import type { Pod } from '../../../src/core/pod.ts'
import { mostOf, readyByWorkload, restrictedBy, workloadShares } from '../../../src/core/safety/workload-share.ts'
import { sampleMitigation } from '../../adapters/store/samples.ts'

const pod = (uid: string, more: Partial<Pod> = {}): Pod => ({ uid, namespace: 'shop', name: uid, addresses: ['10.0.0.1'], labels: {}, node: 'n1', workload: 'Deployment/web', ready: true, ...more })

t.test('at least one pod may be restricted, for every row of the table', (t) => {
  for (const [ready, share, most] of [[1, 0.5, 1], [3, 0.5, 1], [4, 0.5, 2], [10, 0, 1], [10, 1, 10], [0, 1, 1]] as const) t.equal(mostOf({ ready }, share), most)
  t.end()
})

t.test('the share is that of ready pods, and what is restricted already is told apart', (t) => {
  const pods = [pod('a'), pod('b'), pod('c'), pod('sick', { ready: false }), pod('alone', { workload: null }), pod('other', { namespace: 'bank' })]
  const { ready: _, ...unknown } = pod('unknown')
  const ready = readyByWorkload([...pods, unknown])
  const share = (touched: readonly string[], restricted: readonly string[]) => workloadShares(pods.filter(({ uid }) => touched.includes(uid)), ready, new Set(restricted))
  t.strictSame(share(['a'], []), [{ workload: 'shop/Deployment/web', ready: 4, restricted: 0, more: 1 }], 'a pod of which nobody says whether it is ready counts')
  t.strictSame(share(['a', 'b'], ['b', 'c']), [{ workload: 'shop/Deployment/web', ready: 4, restricted: 2, more: 1 }])
  t.strictSame(share(['b'], ['b']), [], 'it is restricted already')
  t.strictSame(share(['sick'], []), [], 'it serves nobody')
  t.strictSame(share(['alone'], []), [])
  t.strictSame(share(['a', 'other'], []).map(({ workload }) => workload), ['shop/Deployment/web', 'bank/Deployment/web'])
  t.end()
})

t.test('what is simulated or has ended restricts nobody', (t) => {
  const mitigation = sampleMitigation('m')
  const of = (phase: 'active' | 'expired', simulated: boolean, subject: typeof mitigation.spec.subject) => ({ ...mitigation, spec: { ...mitigation.spec, subject, victims: [{ uid: 'v', addresses: ['10.0.0.2'] }] }, status: { ...mitigation.status, phase, simulated } })
  const subject = { uid: 's', addresses: ['10.0.0.1'] }
  t.strictSame([...restrictedBy([of('active', false, subject)])], ['s'])
  t.strictSame([...restrictedBy([of('active', false, 'anySource')])], ['v'], 'a limit at the victim is one on the victim')
  t.strictSame([...restrictedBy([of('active', true, subject), of('expired', false, subject)])], [])
  t.end()
})
