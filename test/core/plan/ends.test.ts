import t from 'tap'
import { endsOf, type Target } from '../../../src/core/plan/ends.ts'
import type { KnownService } from '../../../src/core/plan/service-pods.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { context, detectionOf, PODS, podOf } from './scene.ts'

const service = (name: string, more: Partial<KnownService>): KnownService => ({ namespace: 'shop', name, selector: {}, addresses: [], ...more })
const SERVICES = new Map([
  ['10.96.0.1', service('web', { selector: { app: 'web' } })],
  ['10.96.0.2', service('db', { selector: { app: 'db' } })],
  ['10.96.0.3', service('away', { addresses: ['203.0.113.9'] })],
  ['10.96.0.4', service('by-hand', { addresses: ['10.0.1.4'] })],
  ['10.96.0.5', service('empty', { selector: { app: 'none' } })],
])
const TABLE: readonly [string, Detection['target'], Target, string][] = [
  ['none', null, { kind: 'anybody' }, 'any destination'],
  ['a pod\'s', { address: '10.0.0.3' }, { kind: 'pods', pods: [PODS.db], service: null }, 'shop/db-0 (10.0.0.3)'],
  ['a Service\'s', { address: '10.96.0.2' }, { kind: 'pods', pods: [PODS.db], service: '10.96.0.2' }, 'Service shop/db (10.96.0.2)'],
  ['a Service\'s that the source is behind as well', { address: '10.96.0.1' }, { kind: 'pods', pods: [PODS.web1], service: '10.96.0.1' }, 'Service shop/web (10.96.0.1)'],
  ['a Service\'s with pods that its author names', { address: '10.96.0.4' }, { kind: 'pods', pods: [PODS.far], service: '10.96.0.4' }, 'Service shop/by-hand (10.96.0.4)'],
  ['a Service\'s with addresses of no pod', { address: '10.96.0.3' }, { kind: 'addresses', addresses: ['203.0.113.9'] }, 'Service shop/away (10.96.0.3)'],
  ['a Service\'s with nothing behind it', { address: '10.96.0.5' }, { kind: 'nothing' }, 'Service shop/empty (10.96.0.5)'],
  ['any other', { address: '203.0.113.7' }, { kind: 'addresses', addresses: ['203.0.113.7'] }, '203.0.113.7'],
]

t.test('what is attacked by way of a Service are the pods behind it', async (t) => {
  const stranger = podOf('db-0', '10.0.2.5', { namespace: 'other', labels: { app: 'db' } })
  for (const [name, target, wanted, words] of TABLE) {
    const ends = endsOf(detectionOf({ target }), context({ pods: [...Object.values(PODS), stranger], serviceAt: (address) => SERVICES.get(address) ?? null }))
    t.strictSame([ends.target, ends.targetName], [wanted, words], name)
  }
})

t.test('without anybody who knows Services an address is what it is', async (t) => {
  t.strictSame(endsOf(detectionOf({ target: { address: '10.96.0.2' } }), context()).target, { kind: 'addresses', addresses: ['10.96.0.2'] })
})
