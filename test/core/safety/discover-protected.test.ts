import t from 'tap'
import type { Pod } from '../../../src/core/pod.ts'
import { discoverProtected } from '../../../src/core/safety/discover-protected.ts'
import { ProtectedSet } from '../../../src/core/safety/protected.ts'
import type { ProtectionView } from '../../../src/core/safety/protection-view.ts'
import { DEFAULT_SAFETY_FILE, type SafetyFile } from '../../../src/core/safety/settings.ts'

const pod = (namespace: string, name: string, more: Partial<Pod> = {}): Pod => ({ uid: `u-${name}`, namespace, name, addresses: [`10.1.0.${name.length}`], labels: {}, node: 'n1', ...more })

const EMPTY: ProtectionView = { ownNamespace: null, pods: [], namespaces: [], services: [], backEnds: [], webhooks: [], apiServices: [], nodes: [], nameservers: [] }

/** What is found beside the namespaces that are always there, as `by kind name`. */
function found (view: Partial<ProtectionView>, named: Partial<SafetyFile['protected']> = {}): string[] {
  return discoverProtected({ ...EMPTY, ...view }, { protected: { ...DEFAULT_SAFETY_FILE.protected, ...named } })
    .filter(({ by }) => by !== 'system').map(({ by, kind, name }) => `${by} ${kind} ${name}`)
}

const service = (namespace: string, name: string, ports: number[], address = '10.96.0.10') => ({ namespace, name, addresses: [address], ports })
const behind = (namespace: string, of: string, pods: readonly Pod[], slice = `${of}-x1`) => ({ namespace, slice, service: of, addresses: pods.flatMap(({ addresses }) => addresses), podUids: pods.map(({ uid }) => uid) })

t.test('the cluster\'s own namespaces are protected with nothing known of the cluster', (t) => {
  t.strictSame(discoverProtected(EMPTY, DEFAULT_SAFETY_FILE).map(({ kind, name }) => `${kind} ${name}`), ['namespace kube-system', 'namespace kube-node-lease', 'namespace kube-public'])
  t.end()
})

t.test('what is protected, for every row of the table', (t) => {
  const [dns, web, agent] = [pod('kube-system', 'coredns-1'), pod('shop', 'web'), pod('calico-system', 'calico-node-1', { hostNetwork: true, workload: 'DaemonSet/calico-node', priorityClass: 'system-node-critical', addresses: [] })]
  const { hostNetwork: _, ...pods } = agent
  const { priorityClass: __, ...ordinary } = agent
  const call = { name: 'ValidatingWebhookConfiguration x', service: { namespace: 'shop', name: 'gate' } }
  const gate = { services: [service('shop', 'gate', [443])], backEnds: [behind('shop', 'gate', [web])], pods: [web] }
  const rows: [string, Partial<ProtectionView>, Partial<SafetyFile['protected']>, string[]][] = [
    ['our own namespace', { ownNamespace: 'shield' }, {}, ['own namespace shield']],
    ['a namespace that the settings name', {}, { namespaces: ['bank'] }, ['operator namespace bank']],
    ['a namespace with the label', { namespaces: [{ name: 'bank', labels: { 'autoshield.dev/protected': 'true' } }] }, {}, ['operator namespace bank']],
    ['a namespace with the label and another value', { namespaces: [{ name: 'bank', labels: { 'autoshield.dev/protected': 'false' } }] }, {}, []],
    ['a pod that the settings name', { pods: [web] }, { pods: ['shop/web'] }, ['operator pod shop/web']],
    ['an address that the settings name', {}, { addresses: ['192.0.2.1'] }, ['operator address 192.0.2.1']],
    ['a pod with a label that the settings name', { pods: [pod('shop', 'web', { labels: { tier: 'gold' } })] }, { labels: { tier: 'gold' } }, ['operator pod shop/web']],
    ['a pod with that label and another value', { pods: [pod('shop', 'web', { labels: { tier: 'iron' } })] }, { labels: { tier: 'gold' } }, []],
    ['a pod that calls itself protected', { pods: [pod('shop', 'web', { labels: { 'autoshield.dev/protected': 'true', 'app.kubernetes.io/managed-by': 'autoshield', 'k8s-app': 'kube-dns' } })] }, {}, []],
    ['the API server', { services: [service('default', 'kubernetes', [443], '10.96.0.1')], backEnds: [{ ...behind('default', 'kubernetes', [], 'kubernetes'), addresses: ['172.18.0.2'] }] }, {}, ['api-server address 10.96.0.1', 'api-server address 172.18.0.2']],
    ['a slice that somebody else made for it', { services: [service('default', 'kubernetes', [443], '10.96.0.1')], backEnds: [behind('default', 'kubernetes', [web], 'mine')], pods: [web] }, {}, ['api-server address 10.96.0.1']],
    ['the nameserver', { services: [service('names', 'dns', [53])], backEnds: [behind('names', 'dns', [web])], pods: [web], nameservers: ['10.96.0.10'] }, {}, ['dns pod shop/web', 'dns address 10.96.0.10', 'dns address 10.1.0.3']],
    ['port 53 in kube-system', { services: [service('kube-system', 'kube-dns', [53, 9153])], backEnds: [behind('kube-system', 'kube-dns', [dns])], pods: [dns] }, {}, ['dns pod kube-system/coredns-1', 'dns address 10.96.0.10', 'dns address 10.1.0.9']],
    ['another port in kube-system', { services: [service('kube-system', 'metrics', [443])] }, {}, []],
    ['port 53 elsewhere', { services: [service('shop', 'dns', [53])], backEnds: [behind('shop', 'dns', [web])], pods: [web], nameservers: ['10.96.0.99'] }, {}, []],
    ['a webhook\'s back end', { ...gate, webhooks: [call] }, {}, ['webhook pod shop/web', 'webhook address 10.96.0.10', 'webhook address 10.1.0.3']],
    ['a webhook whose Service is not there', { webhooks: [call] }, {}, []],
    ['an aggregated API', { ...gate, apiServices: [call] }, {}, ['aggregated-api pod shop/web', 'aggregated-api address 10.96.0.10', 'aggregated-api address 10.1.0.3']],
    ['a Service that nobody calls', gate, {}, []],
    ['an agent of a node', { pods: [agent] }, {}, ['node-agent pod calico-system/calico-node-1']],
    ['such a DaemonSet, not on the node\'s network', { pods: [pods] }, {}, []],
    ['such a DaemonSet, of an ordinary class', { pods: [ordinary] }, {}, []],
    ['such a pod of no DaemonSet', { pods: [{ ...agent, workload: 'Deployment/calico-node' }] }, {}, []],
    ['a node', { nodes: [{ name: 'n1', addresses: ['172.18.0.3', 'fd00::3'] }] }, {}, ['node address 172.18.0.3', 'node address fd00::3']],
  ]
  for (const [what, view, named, wanted] of rows) t.strictSame(found(view, named), wanted, what)
  t.end()
})

t.test('each says in a sentence how it is known', (t) => {
  const web = pod('shop', 'web')
  for (const { how } of discoverProtected({ ...EMPTY, ownNamespace: 'shield', pods: [web], services: [service('shop', 'gate', [443])], backEnds: [behind('shop', 'gate', [web])], webhooks: [{ name: 'MutatingWebhookConfiguration x', service: { namespace: 'shop', name: 'gate' } }], nodes: [{ name: 'n1', addresses: ['172.18.0.3'] }] }, DEFAULT_SAFETY_FILE)) t.match(how, /^\S.{15,}\.$/)
  t.match(found({ pods: [web] }), [])
  t.end()
})

t.test('a pod is protected by itself, its namespace or its address, and the first reason counts', (t) => {
  const set = new ProtectedSet([
    { kind: 'pod', name: 'shop/web', uid: 'u-web', by: 'webhook', how: 'a back end' },
    { kind: 'namespace', name: 'bank', by: 'operator', how: 'named' },
    { kind: 'namespace', name: 'bank', by: 'own', how: 'again' },
    { kind: 'address', name: '10.0.0.9', by: 'dns', how: 'a nameserver' },
  ])
  const rows: [Pod, string | undefined][] = [
    [pod('shop', 'web'), 'a back end'],
    [pod('bank', 'web'), 'a back end'],
    [pod('bank', 'vault'), 'named'],
    [pod('shop', 'names', { addresses: ['10.0.0.1', '10.0.0.9'] }), 'a nameserver'],
    [pod('shop', 'web-2'), undefined],
    [pod('shop', 'web', { uid: 'u-successor' }), undefined],
  ]
  for (const [who, how] of rows) t.equal(set.of(who)?.how, how)
  t.equal(set.ofAddress('10.0.0.9')?.by, 'dns')
  t.equal(set.ofAddress('10.0.0.8'), null)
  t.strictSame(set.list.map(({ how }) => how), ['named', 'a back end', 'a nameserver'], 'each once')
  t.end()
})
