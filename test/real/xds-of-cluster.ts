import { pino } from 'pino'
import type { Test } from 'tap'
import { SecretAuthority } from '../../certs/secret-authority.ts'
import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import { KubernetesPods } from '../../src/adapters/kubernetes/pods.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { systemClock } from '../../src/adapters/standalone/clock.ts'
import { followCluster } from '../../src/cli/follow-cluster.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { Fleet } from '../../xds/fleet.ts'
import { XdsServer } from '../../xds/server.ts'
import { type Installed, OWN_NAMESPACE } from './installed.ts'

const TRUST_DOMAIN = 'autoshield.local'

/**
 * An xDS server in the test's own process, before the cluster's pods and mitigations, with the cluster's authority; behind the Service that
 * the chart made for those of the cluster.
 */
export async function serveXds (t: Test, { kubeconfig, host, kubectl }: Installed) {
  const api = openKubernetes({ kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const stop = new AbortController()
  const running: Promise<void>[] = []
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
  })
  const authority = new SecretAuthority({ api, namespace: OWN_NAMESPACE, trustDomain: TRUST_DOMAIN, clock: systemClock })
  await authority.reconcile()
  const [pods, mitigations] = [new KubernetesPods(api), new KubernetesMitigations(api, { namespace: OWN_NAMESPACE })]
  const fleet = new Fleet({ clock: systemClock, defaultInbound: { mode: 'redirect', port: 15_006 } })
  running.push(pods.run(stop.signal), mitigations.run(stop.signal))
  await Promise.all([pods.synced, mitigations.synced])
  const following = followCluster(fleet, { pods, mitigations })
  t.teardown(() => following[Symbol.dispose]())
  const credentials = authority.current().issueWithKey({ identity: { trustDomain: TRUST_DOMAIN, namespace: OWN_NAMESPACE, uid: 'xds' } }, Date.now())
  const server = new XdsServer({ fleet, credentials: fixedCredentials(credentials), trustDomain: TRUST_DOMAIN, listen: { host, port: 0 }, log: pino({ level: 'silent' }) })
  running.push(server.run(stop.signal))
  const port = await server.port
  await kubectl(['create', '-f', '-'], JSON.stringify({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'xds-of-test', namespace: OWN_NAMESPACE, labels: { 'kubernetes.io/service-name': 'autoshield-xds', 'endpointslice.kubernetes.io/managed-by': 'test' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: 'ads', port, protocol: 'TCP' }],
  }))
  return { fleet, pods, mitigations }
}
