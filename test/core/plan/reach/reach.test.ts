import t from 'tap'
import type { Plugin, Policy } from '../../../../src/core/plan/reach/policy.ts'
import { ALL_PORTS, NO_PORTS, portRanges, portsOf } from '../../../../src/core/plan/reach/port-set.ts'
import { readDenial } from '../../../../src/core/plan/reach/read-denial.ts'
import { readPolicy } from '../../../../src/core/plan/reach/read-policy.ts'
import type { Reach } from '../../../../src/core/plan/reach/reach.ts'
import { ADDRESS, cutOn, PODS, policy, reachUnder, verdictOf } from './scene.ts'

const everybodyTo = (destination: string, but: readonly string[] = []): string[] =>
  ['web', 'db', 'scraper', 'otherNode', 'outside'].filter((source) => source !== destination && !but.includes(source)).map((source) => `${source}>${destination}`)

const WEB = { matchLabels: { app: 'web' } }
const DB = { matchLabels: { app: 'db' } }
const fromPeers = (...from: readonly object[]): object => policy({ podSelector: DB, ingress: [{ from }] })

// agent, on the node of web and db, is that node: it reaches both whatever the policies are.
t.test('what the pages of Kubernetes say, and users trip over', (t) => {
  const table: [string, readonly object[], readonly string[]][] = [
    ['without policies everything passes', [], []],
    ['an empty selector selects every pod of its own namespace, and no rules allow nothing', [policy({ podSelector: {} })], [...everybodyTo('web'), ...everybodyTo('db')]],
    ['one empty rule allows everybody', [policy({ podSelector: {}, ingress: [{}] })], []],
    ['an empty list of peers is everybody', [policy({ podSelector: {}, ingress: [{ from: [] }] })], []],
    ['a podSelector alone means the own namespace', [fromPeers({ podSelector: WEB })], everybodyTo('db', ['web'])],
    ['a namespaceSelector alone means all its pods', [fromPeers({ namespaceSelector: { matchLabels: { team: 'b' } } })], everybodyTo('db', ['scraper'])],
    ['both in one peer: and', [fromPeers({ namespaceSelector: { matchLabels: { team: 'b' } }, podSelector: DB })], everybodyTo('db')],
    ['both in two peers: or', [fromPeers({ namespaceSelector: { matchLabels: { team: 'b' } } }, { podSelector: WEB })], everybodyTo('db', ['scraper', 'web'])],
    ['an empty namespaceSelector is all pods and nothing outside', [fromPeers({ namespaceSelector: {} })], everybodyTo('db', ['web', 'scraper'])],
    ['policies are united', [fromPeers({ podSelector: WEB }), policy({ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24' } }] }] }, 'q')],
      [...everybodyTo('web', ['outside']), ...everybodyTo('db', ['web', 'outside'])]],
    ['ingress alone leaves egress open', [policy({ podSelector: DB, policyTypes: ['Ingress'] })], everybodyTo('db')],
    ['egress rules that are not named in policyTypes mean nothing', [policy({ podSelector: DB, policyTypes: ['Ingress'], ingress: [{}], egress: [] })], []],
    ['without policyTypes, egress counts where there are egress rules', [policy({ podSelector: DB, ingress: [{}], egress: [{ to: [{ podSelector: WEB }] }] })], ['db>scraper', 'db>otherNode', 'db>outside']],
    ['without policyTypes and egress rules, ingress alone counts', [policy({ podSelector: DB, ingress: [{}], egress: [] })], []],
    ['egress of one and ingress of the other must both allow', [policy({ podSelector: WEB, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: DB }] }] }), policy({ podSelector: DB, ingress: [] }, 'q')],
      ['web>scraper', 'web>otherNode', 'web>outside', ...everybodyTo('db')]],
    ['a hole in a block', [fromPeers({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.1.0/24'] } })], everybodyTo('db', ['web'])],
    ['a block of the other family', [fromPeers({ ipBlock: { cidr: '::/0' } })], everybodyTo('db')],
    ['a policy elsewhere selects nobody here', [policy({ podSelector: {} }, 'p', 'ops')], everybodyTo('scraper').map((way) => way.replace('otherNode>', 'agent>'))],
  ]
  for (const [name, policies, cut] of table) t.strictSame(cutOn(reachUnder(policies)).sort(), [...cut].sort(), name)
  t.end()
})

t.test('ports: named ones are the destination\'s, ranges have two ends, and a protocol that is left out is TCP', (t) => {
  const ports = (...some: readonly object[]): object => policy({ podSelector: {}, ingress: [{ ports: some }] })
  const reached = (policies: readonly object[], destination: 'web' | 'db'): object[] => portRanges(reachUnder(policies).ports(ADDRESS.outside, ADDRESS[destination]))
  const tcp = (first: number, last = first): object => ({ protocol: 'TCP', first, last })
  t.strictSame([reached([ports({ port: 'http' })], 'web'), reached([ports({ port: 'http' })], 'db')], [[tcp(8080)], [tcp(80)]], 'a name is another number on each pod')
  t.strictSame(reached([ports({ port: 'http', protocol: 'UDP' })], 'db'), [{ protocol: 'UDP', first: 443, last: 443 }], 'and in each protocol')
  t.strictSame(reached([ports({ port: 'nothing' })], 'db'), [], 'a name that nobody has is no port')
  t.strictSame(reached([ports({ port: 80, endPort: 90 }, { port: 91 })], 'web'), [tcp(80, 91)])
  t.strictSame(reached([ports({ protocol: 'SCTP' })], 'web'), [{ protocol: 'SCTP', first: 1, last: 65_535 }], 'a protocol alone is all its ports')
  t.strictSame(reached([ports({})], 'web'), [tcp(1, 65_535)])
  const out = reachUnder([policy({ podSelector: WEB, policyTypes: ['Egress'], egress: [{ ports: [{ port: 'http' }] }] })])
  t.strictSame(out.ports(ADDRESS.web, ADDRESS.db), portsOf({ protocol: 'TCP', first: 80, last: 80 }), 'for egress too a name is the destination\'s')
  t.strictSame(out.ports(ADDRESS.web, ADDRESS.outside), NO_PORTS, 'where nobody knows names')
  const two = reachUnder([policy({ podSelector: WEB, policyTypes: ['Egress'], egress: [{ ports: [{ port: 1, endPort: 100 }] }] }), policy({ podSelector: DB, ingress: [{ ports: [{ port: 50, endPort: 200 }] }] }, 'q')])
  t.strictSame(two.ports(ADDRESS.web, ADDRESS.db), portsOf({ protocol: 'TCP', first: 50, last: 100 }), 'both sides together')
  t.end()
})

t.test('a pod always reaches itself and its own node', (t) => {
  const shut = reachUnder([policy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })])
  t.match(verdictOf(shut, 'web', 'web'), { allowed: true, egress: { reason: 'Itself' }, ingress: { reason: 'Itself' } })
  t.match(verdictOf(shut, 'agent', 'web'), { allowed: true, egress: { reason: 'NoPod' }, ingress: { reason: 'OwnNode' } })
  t.match(verdictOf(shut, 'web', 'agent'), { allowed: true, egress: { reason: 'OwnNode' }, ingress: { reason: 'NoPod' } })
  t.match(verdictOf(shut, 'otherNode', 'web'), { allowed: false, ingress: { reason: 'NotListed' } })
  const scraper = reachUnder([policy({ podSelector: {} }, 'p', 'ops')])
  t.equal(scraper.verdict({ source: 'fd00::1', destination: ADDRESS.scraper, protocol: 'TCP', port: 80 }).allowed, true, 'also by another of its addresses')
  t.end()
})

t.test('a pod on its node\'s network is its node: selected by nothing, listed by address alone', (t) => {
  const [far, scraper] = [{ ...PODS.agent, addresses: [ADDRESS.otherNode], node: 'node2' }, ADDRESS.scraper]
  const under = (...policies: readonly object[]): boolean => reachUnder(policies, { pods: [...Object.values(PODS), far] }).verdict({ source: ADDRESS.otherNode, destination: ADDRESS.web, protocol: 'TCP', port: 80 }).allowed
  t.equal(under(policy({ podSelector: {}, ingress: [{ from: [{ podSelector: {} }, { namespaceSelector: {} }] }] })), false)
  t.equal(under(policy({ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '192.168.0.2/32' } }] }] })), true)
  const shut = reachUnder([policy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })])
  t.match(shut.verdict({ source: scraper, destination: ADDRESS.agent, protocol: 'TCP', port: 80 }), { allowed: true, ingress: { reason: 'NoPod' } })
  t.end()
})

t.test('a verdict names the policies that it rests on', (t) => {
  const reach = reachUnder([
    policy({ podSelector: DB, ingress: [{ from: [{ podSelector: WEB }], ports: [{ port: 80 }] }] }, 'web-to-db'),
    policy({ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }, 'inside'),
    policy({ podSelector: WEB, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: DB }] }] }, 'web-out'),
  ])
  t.strictSame(verdictOf(reach, 'web', 'db'), {
    allowed: true,
    egress: { allowed: true, reason: 'Listed', policies: ['shop/web-out'] },
    ingress: { allowed: true, reason: 'Listed', policies: ['shop/inside', 'shop/web-to-db'] },
  })
  t.strictSame(verdictOf(reach, 'web', 'db', 81).ingress.policies, ['shop/inside'])
  t.strictSame(verdictOf(reach, 'scraper', 'db'), {
    allowed: false,
    egress: { allowed: true, reason: 'NotIsolated', policies: [] },
    ingress: { allowed: false, reason: 'NotListed', policies: ['shop/inside', 'shop/web-to-db'] },
  })
  t.end()
})

t.test('a block lists pods and nodes, or neither, as the network plugin has it', (t) => {
  const policies = [policy({ podSelector: DB, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] })]
  t.strictSame(cutOn(reachUnder(policies)), [])
  t.strictSame(cutOn(reachUnder(policies, { plugin: 'cilium' })), ['web>db', 'scraper>db', 'otherNode>db'], 'its own node reaches it always')
  t.end()
})

t.test('under Cilium a way to the own node has to be listed, and only rules without peers list nodes', (t) => {
  const under = (to: object[] | undefined): string[] => cutOn(reachUnder([policy({ podSelector: DB, policyTypes: ['Egress'], egress: [{ ...to && { to } }] })], { plugin: 'cilium' }))
  t.strictSame(under([{ namespaceSelector: {} }, { ipBlock: { cidr: '0.0.0.0/0' } }]), ['db>agent', 'db>otherNode'])
  t.strictSame(under(undefined), [])
  t.end()
})

t.test('under Cilium no selector finds a label that its filter leaves out', (t) => {
  const pods = Object.values(PODS).map((pod) => ({ ...pod, labels: { ...pod.labels, 'pod-template-hash': 'x', 'app.kubernetes.io/name': 'y' } }))
  const cut = (label: Record<string, string>, plugin: Plugin): string[] => cutOn(reachUnder([policy({ podSelector: { matchLabels: { app: 'db', ...label } }, policyTypes: ['Ingress'] })], { pods, plugin }))
  const all = ['web>db', 'scraper>db', 'otherNode>db', 'outside>db']
  t.strictSame(cut({ 'pod-template-hash': 'x' }, 'most'), all)
  t.strictSame(cut({ 'pod-template-hash': 'x' }, 'cilium'), [])
  t.strictSame(cut({ 'app.kubernetes.io/name': 'y' }, 'cilium'), all)
  t.end()
})

t.test('a pod\'s pairs are its verdicts with every other pod, one for each two addresses of a family', (t) => {
  const reach = reachUnder([policy({ podSelector: DB, ingress: [{ from: [{ podSelector: WEB }], ports: [{ port: 80 }] }] })])
  const pairs = reach.pairsOf(PODS.db).map(({ other, otherAddress, to, from }) => [other.name, otherAddress, to, from])
  t.strictSame(pairs, [['web', '10.0.0.1', ALL_PORTS, portsOf({ protocol: 'TCP', first: 80, last: 80 })], ['scraper', '10.0.1.1', ALL_PORTS, NO_PORTS]])
  t.strictSame(reach.pairsOf(PODS.agent), [], 'a pod on its node\'s network has none')
  t.end()
})

t.test('addresses are one whatever their text, and what is none is refused', (t) => {
  const reach = reachUnder([policy({ podSelector: {}, ingress: [] }, 'p', 'ops')])
  const from = (destination: string) => reach.verdict({ source: '2001:db8::1', destination, protocol: 'TCP', port: 80 }).allowed
  t.strictSame([from('fd00::1'), from('FD00:0::1'), from('fd00::2')], [false, false, true])
  t.throws(() => from('db-0'), { code: 'BAD_DATA', message: '"db-0" is no address: give one of IPv4 or IPv6.' })
  t.end()
})

t.test('a pod of an unknown namespace is not judged by guess', (t) => {
  t.throws(() => reachUnder([], { namespaces: [{ name: 'ops', labels: {} }] }), { code: 'NOT_FOUND', message: /^Pod shop\/web: its namespace is not listed/ })
  t.end()
})

t.test('what Cilium\'s policies deny is cut, on that port and to those ends alone, whatever others allow', (t) => {
  const all = policy({ podSelector: {}, egress: [{}], ingress: [{}], policyTypes: ['Egress', 'Ingress'] })
  const deny = (rules: object): Policy => readDenial({
    apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { namespace: 'shop', name: 'd' }, spec: { endpointSelector: { matchLabels: { app: 'web' } }, enableDefaultDeny: { egress: false, ingress: false }, ...rules },
  })
  const under = (rules: object, plugin: Plugin = 'cilium'): Reach => reachUnder([], { policies: [readPolicy(all), deny(rules)], plugin })
  const toDb = { toEndpoints: [{ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'shop', app: 'db' } }] }
  const before = cutOn(reachUnder([all], { plugin: 'cilium' }))
  const added = (rules: object, port?: number): string[] => cutOn(under(rules), port).filter((way) => !before.includes(way))
  const onPort = { egressDeny: [{ ...toDb, toPorts: [{ ports: [{ port: '80', protocol: 'ANY' }] }] }] }
  t.strictSame([added(onPort), added(onPort, 81)], [['web>db'], []])
  t.match(verdictOf(under(onPort), 'web', 'db').egress, { allowed: false, reason: 'Denied', policies: ['shop/d'] })
  t.strictSame(added({ ingressDeny: [{ fromEndpoints: [{ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'ops' } }] }] }), ['scraper>web'])
  t.strictSame(added({ egressDeny: [{ toCIDR: ['0.0.0.0/0'] }] }), ['web>outside'], 'blocks hold neither pods nor nodes')
  t.strictSame(added({ egressDeny: [{ toEndpoints: [{ matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }, { key: 'k8s:io.kubernetes.pod.namespace', operator: 'NotIn', values: ['ops'] }] }] }] }), ['web>db'])
  t.strictSame(cutOn(under(onPort, 'most')), cutOn(reachUnder([all])), 'where Cilium is not, it says nothing')
  t.throws(() => deny({ egress: [{}] }), { code: 'BAD_DATA' }, 'what people write in that language is not read over')
  t.end()
})
