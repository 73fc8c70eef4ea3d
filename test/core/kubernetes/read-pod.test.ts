import t from 'tap'
import { readPod } from '../../../src/core/kubernetes/read-pod.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'

const pod = (spec: object, status: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', namespace: 'shop', uid: 'u1', ...metadata }, spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'x' }], ...spec }, status,
})
const running = { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00:0::1' }] }

t.test('of a running pod all addresses are kept, in canonical text', async (t) => {
  t.strictSame(readPod(pod({}, running, { labels: { app: 'web' } })), {
    uid: 'u1', namespace: 'shop', name: 'web-0', addresses: ['10.0.0.1', 'fd00::1'], labels: { app: 'web' }, node: 'n1', workload: null, ports: [], hostNetwork: false, observed: false, proxy: null, leaving: false, ready: false,
  })
})

t.test('a pod says of which workload it is, and since when', async (t) => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid: 'r', controller: true }
  t.match(readPod(pod({}, running, { ownerReferences: [owner], labels: { 'pod-template-hash': '5d' }, creationTimestamp: '2026-01-02T03:04:05Z' })), { workload: 'Deployment/web', createdMs: Date.UTC(2026, 0, 2, 3, 4, 5) })
})

t.test('a pod with our container in either form is observed', async (t) => {
  t.equal(readPod(pod({ containers: [{ name: 'autoshield-observer' }] }, running))?.observed, true)
  t.equal(readPod(pod({ initContainers: [{ name: 'autoshield-observer', restartPolicy: 'Always' }] }, running))?.observed, true)
})

t.test('a pod with our Envoy says how connections reach it, and none without the container', async (t) => {
  const proxy = { mode: 'redirect', inboundPort: 15_006, outboundPort: 15_001, httpPorts: [8080], explicitPorts: [] }
  const status = { revision: 'default', template: '0', source: 'packet', level: 'privileged', form: 'native', why: '', containers: ['autoshield-observer', 'autoshield-proxy'], volumes: [], proxy }
  const annotated = (status: object) => ({ annotations: { 'autoshield.dev/status': JSON.stringify(status) } })
  const containers = [{ name: 'autoshield-observer' }, { name: 'autoshield-proxy' }]
  t.strictSame(readPod(pod({ containers }, running, annotated(status)))?.proxy, proxy)
  t.equal(readPod(pod({}, running, annotated(status)))?.proxy, null)
  t.equal(readPod(pod({ containers }, running, annotated({ ...status, proxy: { ...proxy, inboundPort: 0 } })))?.proxy, null, 'a status that cannot be')
  t.equal(readPod(pod({ containers }, running))?.proxy, null)
})

t.test('ports that have a name are those of containers that stay, TCP unless they say otherwise', async (t) => {
  const ports = [{ name: 'http', containerPort: 80 }, { containerPort: 81 }, { name: 'dns', containerPort: 53, protocol: 'UDP' }]
  const initContainers = [{ name: 'sidecar', restartPolicy: 'Always', ports: [{ name: 'metrics', containerPort: 9090 }] }, { name: 'once', ports: [{ name: 'gone', containerPort: 1 }] }]
  t.strictSame(readPod(pod({ containers: [{ name: 'app', ports }], initContainers }, running))?.ports, [
    { name: 'http', protocol: 'TCP', number: 80 }, { name: 'dns', protocol: 'UDP', number: 53 }, { name: 'metrics', protocol: 'TCP', number: 9090 },
  ])
})

t.test('a pod on its node\'s network owns no address', async (t) => {
  t.match(readPod(pod({ hostNetwork: true }, running)), { addresses: [], hostNetwork: true })
})

t.test('a pod that has finished is none any more, however its status goes on', async (t) => {
  t.equal(readPod(pod({}, { ...running, phase: 'Succeeded' })), null)
  t.equal(readPod(pod({}, { ...running, phase: 'Failed' })), null)
  t.equal(readPod(pod({}, running, { deletionTimestamp: '2026-01-02T03:04:05Z' }))?.leaving, true)
})

t.test('a pod that has just been made has no address and no node yet', async (t) => {
  t.match(readPod(pod({ nodeName: undefined }, {})), { addresses: [], node: '' })
})

t.test('what is no pod, or has an address that is none, does no harm', async (t) => {
  t.equal(readPod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }), null)
  t.strictSame(readPod(pod({}, { podIPs: [{ ip: 'nonsense' }, {}] }))?.addresses, [])
})

t.test('a pod is ready when its condition says so', async (t) => {
  const ready = (status: string): boolean | undefined => readPod(pod({}, { ...running, conditions: [{ type: 'Initialized', status: 'True' }, { type: 'Ready', status }] }))?.ready
  t.equal(ready('True'), true)
  t.equal(ready('False'), false)
})
