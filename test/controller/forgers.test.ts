import t from 'tap'
import { Forgers } from '../../src/controller/forgers.ts'
import type { Pod } from '../../src/core/pod.ts'

const WEB: Pod = { uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: 'n1' }

t.test('who forges is told by name, the worst first, of all detectors, until nobody tells it any more', async (t) => {
  let nowMs = 1_000_000
  const pods = { byAddress: () => null, byUid: (uid: string) => uid === WEB.uid ? WEB : null, list: () => [WEB] }
  const forgers = new Forgers({ pods, clock: { now: () => nowMs } })
  t.same(forgers.list(), [])
  forgers.take({ forging: { u7: 500 } })
  forgers.take({ forging: { gone: 4_000 } }) // another detector
  t.same(forgers.list(), [{ pod: 'gone', addresses: [], packets: 4_000 }, { pod: 'shop/web-7', addresses: ['10.0.0.7'], packets: 500 }])
  nowMs += 4_000
  forgers.take({ forging: { u7: 700 } })
  nowMs += 2_000
  t.same(forgers.list(), [{ pod: 'shop/web-7', addresses: ['10.0.0.7'], packets: 700 }])
  nowMs += 5_000
  t.same(forgers.list(), [])
})
