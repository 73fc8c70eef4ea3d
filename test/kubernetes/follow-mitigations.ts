import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'

/** The mitigations of a namespace, as of now and on from here, to be read and written; ends with the test. */
export async function followMitigations (t: { teardown: (end: () => Promise<void>) => unknown }, api: KubernetesApi, namespace: string): Promise<KubernetesMitigations> {
  const mitigations = new KubernetesMitigations(api, { namespace })
  const stop = new AbortController()
  const running = mitigations.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  await mitigations.synced
  return mitigations
}
