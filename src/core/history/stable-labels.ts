import { selects, type Labels } from '../kubernetes/label-selector.ts'
import type { FlowPod } from './flow-record.ts'

/** Keys that another release, revision or replica has another value of. */
const CHANGING = new Set([
  'pod-template-hash', 'controller-revision-hash', 'pod-template-generation', 'statefulset.kubernetes.io/pod-name', 'apps.kubernetes.io/pod-index',
  'controller-uid', 'job-name', 'batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name', 'batch.kubernetes.io/job-completion-index',
  'helm.sh/chart', 'app.kubernetes.io/version', 'version', 'app.kubernetes.io/managed-by',
])
/** What people name workloads by; the first word that is there is often enough. */
const NAMING = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component', 'app', 'k8s-app', 'component', 'name']

const isStable = (key: string): boolean => !CHANGING.has(key) && !key.startsWith('autoshield.dev/')

/** Labels that all of the pods have and that outlive a release. */
export function stableLabels (pods: readonly FlowPod[]): Labels {
  const [first, ...others] = pods
  if (first === undefined) return {}
  return Object.fromEntries(Object.entries(first.labels).filter(([key, value]) => isStable(key) && others.every(({ labels }) => labels[key] === value)).sort(([one], [other]) => one < other ? -1 : 1))
}

/**
 * Labels that select these pods: those that name them if they tell them from the others, else all that are stable. Null where no
 * label is left. `shared`: others of the namespace that they select as well.
 */
export function selectorOf (pods: readonly FlowPod[], others: readonly FlowPod[]): { readonly labels: Labels, readonly shared: readonly FlowPod[] } | null {
  const stable = stableLabels(pods)
  const naming = Object.fromEntries(Object.entries(stable).filter(([key]) => NAMING.includes(key)))
  const candidates = [naming, stable].filter((labels) => Object.keys(labels).length > 0)
  const caught = (labels: Labels): FlowPod[] => others.filter((pod) => selects({ matchLabels: labels }, pod.labels))
  const labels = candidates.find((some) => caught(some).length === 0) ?? candidates.at(-1)
  return labels === undefined ? null : { labels, shared: caught(labels) }
}
