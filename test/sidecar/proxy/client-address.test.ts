import t from 'tap'
import { clientAddress, tellClientAddress, type Facts } from '../../../sidecar/proxy/client-address.ts'

const ready: Facts = { asked: true, refusal: '', ways: { families: ['ip', 'ip6'], why: '' }, proxy: 'ready' }

t.test('each row of the table', async (t) => {
  const rows: readonly (readonly [string, Partial<Facts>, object])[] = [
    ['not asked for', { asked: false }, { kind: 'hidden', why: 'nothing else was asked for' }],
    ['refused', { refusal: 'no capability' }, { kind: 'hidden', why: 'no capability' }],
    ['no way', { ways: { families: [], why: 'not permitted' } }, { kind: 'hidden', why: 'answers cannot be led back to the proxy (not permitted)' }],
    ['no way, and no address', { ways: { families: [], why: '' } }, { kind: 'hidden', why: 'answers cannot be led back to the proxy (the pod has no address yet)' }],
    ['another configuration', { proxy: 'without-listener' }, { kind: 'hidden', why: 'the proxy\'s configuration has no listener for it' }],
    ['Envoy may not', { proxy: 'without-capability' }, { kind: 'hidden', why: 'Envoy runs without the capability NET_RAW' }],
    ['all is there', {}, { kind: 'kept', families: ['ip', 'ip6'], why: '' }],
    ['one family', { ways: { families: ['ip'], why: 'no IPv6' } }, { kind: 'kept', families: ['ip'], why: 'no IPv6' }],
  ]
  for (const [what, facts, answer] of rows) t.strictSame(clientAddress({ ...ready, ...facts }), answer, what)
})

t.test('what is said of it names what is seen and why', async (t) => {
  t.equal(tellClientAddress(clientAddress(ready)), 'applications see their clients\' addresses')
  t.equal(tellClientAddress({ kind: 'kept', families: ['ip'], why: 'no IPv6' }), 'applications see their clients\' addresses, but for one family the pod\'s own: no IPv6')
  t.equal(tellClientAddress({ kind: 'hidden', why: 'no capability' }), 'applications see the pod\'s own address as their clients\': no capability')
})
