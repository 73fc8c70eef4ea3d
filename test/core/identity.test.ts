import fc from 'fast-check'
import t from 'tap'
import { identityOfPeer, parseSpiffeId, spiffeId } from '../../src/core/identity.ts'

const identity = { trustDomain: 'autoshield.local', namespace: 'shop', uid: '0d9f2c5e-1a77-4a44-9a39-d8a1f0a3d1f2' }
const uri = `URI:${spiffeId(identity)}`

t.test('an identity that was written is read back, and every other text is no identity', async (t) => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
  fc.assert(fc.property(label, label, label, (trustDomain, namespace, uid) => {
    t.strictSame(parseSpiffeId(spiffeId({ trustDomain, namespace, uid })), { trustDomain, namespace, uid })
  }), { numRuns: 50 })
  for (const text of [
    '', 'spiffe://', 'https://td/ns/a/pod/b', 'spiffe://TD/ns/a/pod/b', 'spiffe://td/ns/a/pod/', 'spiffe://td/ns/a/pod/b/c',
    'spiffe://td/ns//pod/b', 'spiffe://td/ns/a/sa/b', 'spiffe://td/ns/../pod/b', 'spiffe://td/ns/a/pod/..', 'spiffe://td/ns/a/pod/b?x',
    'spiffe://td/ns/a/pod/b\n', ' spiffe://td/ns/a/pod/b', 'spiffe://td:1/ns/a/pod/b', `spiffe://td/ns/a/pod/${'b'.repeat(300)}`,
  ]) t.equal(parseSpiffeId(text), null, JSON.stringify(text))
})

t.test('a peer is who its certificate says, in exactly one URI', async (t) => {
  t.strictSame(identityOfPeer({ subjectaltname: uri }), identity)
  t.strictSame(identityOfPeer({ subjectaltname: `DNS:localhost, ${uri}, IP Address:127.0.0.1` }), identity)
  t.equal(identityOfPeer({}), null, 'a certificate without names')
  t.equal(identityOfPeer({ subjectaltname: 'DNS:localhost' }), null, 'a certificate without a URI')
  t.equal(identityOfPeer({ subjectaltname: `${uri}, ${uri}` }), null, 'two URIs')
  t.equal(identityOfPeer({ subjectaltname: `DNS:"a, ${uri}, b"` }), null, 'a host name that pretends to hold a URI')
})
