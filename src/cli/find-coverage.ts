import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { templateHash } from '../../webhook/inject/template-hash.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { COVERAGE_REPORT } from '../controller/coverage/coverage.ts'
import { judgePod, type PodCoverage } from '../core/coverage/judge-pod.ts'
import type { KubernetesObject } from '../core/kubernetes/object.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { readInjectionContext } from './installed.ts'

/** A report of the controller that is older says nothing of now. */
const FRESH_MS = 60_000
const Report = Compile(Type.Object({ data: Type.Object({ at: Type.String(), silent: Type.String(), more: Type.String() }) }))

/** The coverage as it is now, from the API server alone: it works while every process of AutoShield is down. */
export async function findCoverage (api: KubernetesApi, { ownNamespace, namespace }: { readonly ownNamespace: string, readonly namespace?: string }): Promise<readonly PodCoverage[]> {
  const context = await readInjectionContext(api, ownNamespace)
  const namespaces = new Map((await api.list(RESOURCES.namespaces)).map(({ metadata: { name, labels = {}, annotations = {} } }) => [name, { name, labels, annotations }]))
  const pods = await api.list(RESOURCES.pods, namespace === undefined ? {} : { namespace })
  const facts = { decide: decideInjection, context, template: templateHash(context), reporting: await reporting(api, ownNamespace, pods), nowMs: systemClock.now() }
  return pods.flatMap((pod) => judgePod(pod, namespaces.get(pod.metadata.namespace ?? '') ?? null, facts) ?? [])
}

/**
 * Which of these report: all but those that the controller found silent. Null where no controller has looked lately, or
 * where it could not name all that are silent.
 */
async function reporting (api: KubernetesApi, ownNamespace: string, pods: readonly KubernetesObject[]): Promise<ReadonlySet<string> | null> {
  const report = await api.get(RESOURCES.configMaps, COVERAGE_REPORT, ownNamespace) // once: its keys belong together
  if (!Report.Check(report)) return null
  const { at, silent, more } = report.data
  if (more !== '0' || !(systemClock.now() - Date.parse(at) <= FRESH_MS)) return null
  const uids = new Set(silent.split(' '))
  return new Set(pods.map(({ metadata }) => metadata.uid ?? '').filter((uid) => !uids.has(uid)))
}
