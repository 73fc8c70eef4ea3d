import t from 'tap'
import { throughServices } from '../../../src/core/history/through-services.ts'
import { flowRecord, outside, podEnd, serviceEnd } from './records.ts'

const WEB = podEnd('10.0.0.1', 'web')
const DB = podEnd('10.0.0.2', 'db', { ports: [{ name: 'sql', protocol: 'TCP', number: 5432 }] })
const asked = flowRecord(WEB, serviceEnd('10.96.0.7'), { witness: 'source', begun: 3 })

t.test('what goes to a Service counts once, where it ends', (t) => {
  const told = flowRecord(WEB, DB, { port: 5432, begun: 3 })
  t.strictSame(throughServices([asked, told]), [told], 'selects pods, told')
  t.match(throughServices([asked]), [{ port: 5432, begun: 3, destination: { address: '10.96.0.7', service: null, pod: { namespace: 'shop', labels: { app: 'db' }, name: 'service db' } } }], 'selects pods, not told')
  const another = flowRecord(podEnd('10.0.0.9', 'other'), DB, { port: 5432 })
  t.equal(throughServices([asked, another]).length, 2, 'told of another source')
  const elsewhere = flowRecord(WEB, DB, { port: 5433 })
  t.equal(throughServices([asked, elsewhere]).length, 2, 'told at another port')
  t.equal(throughServices([asked, { ...told, witness: 'source' }]).length, 2, 'the source itself does not confirm it')
  t.end()
})

t.test('a Service that selects nobody stands for the addresses behind it', (t) => {
  const api = serviceEnd('10.96.0.1', { namespace: 'default', name: 'kubernetes', selector: {}, ports: [{ protocol: 'TCP', port: 443, target: 6443 }], addresses: ['192.0.2.10', '192.0.2.11'] })
  t.match(throughServices([flowRecord(WEB, api, { port: 443, witness: 'source' })]), [{ port: 6443, destination: { address: '192.0.2.10', pod: null, service: { name: 'kubernetes' } } }])
  t.match(throughServices([flowRecord(WEB, serviceEnd('10.96.0.1', { selector: {} }), { witness: 'source' })]), [{ destination: { address: '10.96.0.1' } }], 'or for itself')
  t.end()
})

t.test('a port by name is that of a container behind; one that nobody knows stays', (t) => {
  const named = serviceEnd('10.96.0.7', { ports: [{ protocol: 'TCP', port: 80, target: 'sql' }] })
  t.match(throughServices([flowRecord(WEB, named), flowRecord(outside('192.0.2.1'), DB, { port: 1 })]), [{ port: 5432 }, { port: 1 }])
  t.match(throughServices([flowRecord(WEB, named)]), [{ port: 80 }])
  t.match(throughServices([flowRecord(WEB, serviceEnd('10.96.0.7'), { port: 81, witness: 'source' })]), [{ port: 81 }], 'a port that the Service does not have')
  t.end()
})
