import { readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { followCluster } from '../kubernetes/follow-cluster.ts'
import { followMitigations } from '../kubernetes/follow-mitigations.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster } from './cluster/test-cluster.ts'

const CRD = new URL('../../deploy/chart/crds/mitigations.yaml', import.meta.url)

/** A namespace of a real API server, followed, that keeps mitigations as objects; for pods that no node has. */
export async function policyStage (t: Pick<Test, 'teardown'> & Parameters<typeof testCluster>[0]) {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  const namespace = await cluster.namespace()
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> => cluster.kubectl(['-n', namespace, ...args], { ...(stdin !== undefined && { stdin }) })

  const { pods, policies, reach } = await followCluster(t, api, namespace)
  const mitigations = await followMitigations(t, api, namespace)

  /** Gives its UID. No node has the pod, which would give it an address of its own. */
  const addressed = async (name: string, address: string): Promise<string> => {
    await kubectl(['create', '-f', '-'], JSON.stringify({
      apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { schedulerName: 'nobody', containers: [{ name: 'app', image: 'none' }] },
    }))
    await kubectl(['patch', 'pod', name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } })])
    const uid = await kubectl(['get', 'pod', name, '-o', 'jsonpath={.metadata.uid}'])
    return until(`${name} is known`, () => pods.byUid(uid)?.addresses.join() === address ? uid : undefined)
  }
  return { api, namespace, kubectl, pods, policies, reach, mitigations, addressed }
}
