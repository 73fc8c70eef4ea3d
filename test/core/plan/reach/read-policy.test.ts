import t from 'tap'
import { readPolicy } from '../../../../src/core/plan/reach/read-policy.ts'
import { policy } from './scene.ts'

const peer = (peer: object): object => policy({ podSelector: {}, ingress: [{}, { from: [peer] }] })
const port = (port: object): object => policy({ podSelector: {}, egress: [{ ports: [{ port: 80 }, port] }] })

t.test('what is no policy is refused by name, with the place and what to do', (t) => {
  const table: [string, unknown, RegExp][] = [
    ['nothing', null, /^NetworkPolicy \?\/\?: .*write it as networking\.k8s\.io\/v1 does/],
    ['no spec', { metadata: { namespace: 'shop', name: 'p' } }, /^NetworkPolicy shop\/p: /],
    ['no namespace', { metadata: { name: 'p' }, spec: {} }, /^NetworkPolicy \?\/p: metadata: .*namespace/],
    ['a wrong type', policy({ policyTypes: ['ingress'] }), /^NetworkPolicy shop\/p: spec\.policyTypes\.0: /],
    ['an unknown field of the spec', policy({ action: 'Deny' }), /^NetworkPolicy shop\/p: spec\.action: is no field that is known here: .*bring AutoShield up to date/],
    ['an unknown field of a peer', peer({ serviceAccountSelector: {} }), /spec\.ingress\.1\.from\.0\.serviceAccountSelector: .*bring AutoShield up to date/],
    ['a misspelt selector', policy({ podSelector: { matchLabel: { app: 'web' } } }), /spec\.podSelector\.matchLabel: is no field/],
    ['a peer that names nobody', peer({}), /spec\.ingress\.1\.from\.0: names nobody: write a podSelector/],
    ['a block with a selector', peer({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }), /spec\.ingress\.1\.from\.0: an ipBlock stands alone/],
    ['an address that is no block', peer({ ipBlock: { cidr: '10.0.0.1' } }), /spec\.ingress\.1\.from\.0\.ipBlock\.cidr: "10\.0\.0\.1" is no block/],
    ['a block that is too narrow', peer({ ipBlock: { cidr: '10.0.0.1/33' } }), /"10\.0\.0\.1\/33" is no block/],
    ['a hole that is none', peer({ ipBlock: { cidr: '::/0', except: ['fd00::/8', 'x'] } }), /ipBlock\.except\.1: "x" is no block/],
    ['an operator without values', peer({ podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }), /podSelector\.matchExpressions\.0: In needs values/],
    ['an operator with values', peer({ namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['1'] }] } }), /namespaceSelector\.matchExpressions\.0: Exists takes no values/],
    ['an unknown operator', policy({ podSelector: { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] } }), /spec\.podSelector\.matchExpressions\.0/],
    ['port 0', port({ port: 0 }), /spec\.egress\.0\.ports\.1/],
    ['a range from a name', port({ port: 'http', endPort: 90 }), /spec\.egress\.0\.ports\.1: endPort needs a port that is a number/],
    ['a range without a port', port({ endPort: 90 }), /spec\.egress\.0\.ports\.1: endPort needs/],
    ['a range backwards', port({ port: 91, endPort: 90 }), /spec\.egress\.0\.ports\.1: endPort needs/],
    ['an unknown protocol', port({ protocol: 'ICMP' }), /spec\.egress\.0\.ports\.1/],
  ]
  for (const [name, object, message] of table) t.throws(() => readPolicy(object), { code: 'BAD_DATA', message }, name)
  t.end()
})

t.test('what is left out is filled in as the API server does', (t) => {
  const rules = (spec: object): unknown[] => { const { ingress, egress } = readPolicy(policy(spec)); return [ingress?.length ?? null, egress?.length ?? null] }
  t.strictSame(rules({}), [0, null], 'ingress always')
  t.strictSame(rules({ egress: [] }), [0, null])
  t.strictSame(rules({ egress: [{}] }), [0, 1], 'egress where there are rules')
  t.strictSame(rules({ policyTypes: [], egress: [{}] }), [0, 1])
  t.strictSame(rules({ policyTypes: ['Egress'], ingress: [{}] }), [null, 0])
  t.strictSame(readPolicy(policy({ egress: [{ ports: [{}] }] })).egress, [{ peers: 'everybody', ports: [{ protocol: 'TCP', first: 1, last: 65_535 }] }])
  t.end()
})
