import { AutoshieldError } from '../../core/errors.ts'
import { ANNOTATIONS, LABELS } from '../../core/injection/names.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Trial } from '../../core/preflight/check-installation.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

/**
 * Creates a pod in a dry run and looks whether it was injected: that is the truth, for no client reaches a webhook the way
 * the API server does. The pod fits every Pod Security level, names its revision, and is never stored.
 */
export async function tryPod (api: KubernetesApi, { namespace, revision, nowMs }: { readonly namespace: string, readonly revision: string, readonly nowMs: () => number }): Promise<Trial> {
  const quantities = { cpu: '1m', memory: '1Mi' }
  const pod = {
    metadata: { name: 'autoshield-check', namespace, labels: { [LABELS.inject]: 'true', [LABELS.revision]: revision } },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ name: 'check', image: 'autoshield-check:0', resources: { requests: quantities, limits: quantities }, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    },
  }
  const beganMs = nowMs()
  try {
    const made = await api.create(RESOURCES.pods, pod, { dryRun: true })
    const injected = made.metadata.annotations?.[ANNOTATIONS.status] !== undefined
    return injected ? { kind: 'injected', namespace, tookMs: nowMs() - beganMs } : { kind: 'not-injected', namespace }
  } catch (thrown) {
    const error = AutoshieldError.from(thrown)
    if (error.code === 'UNAVAILABLE') throw error
    return { kind: 'refused', namespace, why: error.message }
  }
}
