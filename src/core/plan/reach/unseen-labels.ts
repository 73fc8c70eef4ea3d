import type { Labels } from '../../kubernetes/label-selector.ts'

/**
 * Keys of labels that Cilium keeps out of a pod's identity by its default filter (1.20, `pkg/labelsfilter`), so that no selector of a
 * policy finds them: they would give every pod an identity of its own.
 */
const UNSEEN = new RegExp(`^(${[
  'io\\.kubernetes', 'kubernetes\\.io', '.*beta\\.kubernetes\\.io', 'k8s\\.io', 'topology\\.kubernetes\\.io',
  'statefulset\\.kubernetes\\.io/pod-name', 'apps\\.kubernetes\\.io/pod-index', 'batch\\.kubernetes\\.io/job-completion-index', 'batch\\.kubernetes\\.io/controller-uid',
  'pod-template-generation', 'pod-template-hash', 'controller-revision-hash', 'controller-uid', 'annotation', 'etcd_node',
].join('|')})`)

/** Whether Cilium's policies can select by this label. */
export const isSeen = (key: string): boolean => !UNSEEN.test(key)

/** A pod's labels as Cilium's policies see them; remembers those that it was asked about. */
export function seenLabels (): (labels: Labels) => Labels {
  const known = new WeakMap<Labels, Labels>()
  return (labels) => {
    let seen = known.get(labels)
    if (seen === undefined) {
      seen = Object.keys(labels).every(isSeen) ? labels : Object.fromEntries(Object.entries(labels).filter(([key]) => isSeen(key)))
      known.set(labels, seen)
    }
    return seen
  }
}
