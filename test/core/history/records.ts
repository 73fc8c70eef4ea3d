import type { FlowEnd, FlowPod, FlowRecord, FlowService } from '../../../src/core/history/flow-record.ts'

export const flowPod = (name: string, change: Partial<FlowPod> = {}): FlowPod => ({
  uid: `uid-${name}`, namespace: 'shop', name, labels: { app: name }, namespaceLabels: { 'kubernetes.io/metadata.name': change.namespace ?? 'shop' }, node: 'node-1', workload: `Deployment/${name}`, hostNetwork: false, ports: [], ...change,
})

export const podEnd = (address: string, name: string, change: Partial<FlowPod> = {}): FlowEnd => ({ address, pod: flowPod(name, change), service: null })
export const outside = (address: string): FlowEnd => ({ address, pod: null, service: null })

export const flowRecord = (source: FlowEnd, destination: FlowEnd, change: Partial<FlowRecord> = {}): FlowRecord => ({
  source, destination, protocol: 6, port: 80, witness: 'destination', firstMs: 0, lastMs: 60_000, begun: 1, carried: 0, failed: 0, bytesSent: 0, bytesReceived: 0, ...change,
})

export const serviceEnd = (address: string, change: Partial<FlowService> = {}): FlowEnd => ({
  address, pod: null, service: { namespace: 'shop', name: 'db', selector: { app: 'db' }, ports: [{ protocol: 'TCP', port: 80, target: 5432 }], addresses: [], ...change },
})
