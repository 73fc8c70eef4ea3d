import { decideInjection } from '../../webhook/inject/decide.ts'
import { templateHash } from '../../webhook/inject/template-hash.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { COVERAGE_REPORT } from '../controller/coverage/coverage.ts'
import { judgePod, type PodCoverage } from '../core/coverage/judge-pod.ts'
import type { KubernetesObject } from '../core/kubernetes/object.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../ports.ts'
import { readInjectionContext, readMap } from './installed.ts'

/** A report of the controller that is older says nothing of now. */
const FRESH_MS = 60_000

/** The coverage as it is now, from the API server alone: it works while every process of AutoShield is down. */
export async function findCoverage (api: KubernetesApi, { ownNamespace, namespace }: { readonly ownNamespace: string, readonly namespace?: string }): Promise<readonly PodCoverage[]> {
  const context = await readInjectionContext(api, ownNamespace)
  const namespaces = new Map((await api.list(RESOURCES.namespaces)).map(({ metadata: { name, labels = {}, annotations = {} } }) => [name, { name, labels, annotations }]))
  const pods = await api.list(RESOURCES.pods, namespace === undefined ? {} : { namespace })
  const facts = { decide: decideInjection, context, template: templateHash(context), reporting: await reporting(api, ownNamespace, pods), nowMs: systemClock.now() }
  return pods.flatMap((pod) => judgePod(pod, namespaces.get(pod.metadata.namespace ?? '') ?? null, facts) ?? [])
}

/** Which of these report: all but those that the controller found silent; null where no controller has looked lately. */
async function reporting (api: KubernetesApi, ownNamespace: string, pods: readonly KubernetesObject[]): Promise<ReadonlySet<string> | null> {
  const at = await readMap(api, ownNamespace, { name: COVERAGE_REPORT, key: 'at' })
  if (at === null || systemClock.now() - Date.parse(at) > FRESH_MS) return null
  const silent = new Set((await readMap(api, ownNamespace, { name: COVERAGE_REPORT, key: 'silent' }))?.split(' '))
  return new Set(pods.map(({ metadata }) => metadata.uid ?? '').filter((uid) => !silent.has(uid)))
}
