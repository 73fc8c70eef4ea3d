import { releasedKeys, relabelOf, type Relabel } from '../isolation/released-labels.ts'
import { carried, type Denial } from './carried.ts'
import { labelRelease } from './objects.ts'
import type { Plan } from './plan.ts'

/**
 * An isolation, and what takes the pod out of its Services and its ReplicaSet. Labels are taken only from a pod that a NetworkPolicy
 * of ours isolates: policies of others select by them as well, so the check is made on the labels of afterwards.
 *
 *     selectors are known, and some select it | isolated by policy, with the labels taken | without | plan
 *     no                                      | -                                         | -       | its labels stay
 *     yes                                     | yes                                       | -       | its labels are taken
 *     yes                                     | no                                        | yes     | its labels stay, and it says why
 *     yes                                     | no                                        | no      | by proxies alone, or refused; its labels stay
 */
export function planIsolation (denial: Denial): Plan {
  const { spec, source, context: { cluster } } = denial
  const selectors = cluster?.known === true ? cluster.selectors?.(source.namespace) : undefined
  const relabel = selectors === undefined ? null : relabelOf(source, selectors)
  if (selectors === undefined || relabel === null) return carried(denial)
  const plan = carried({ ...denial, spec: { ...spec, relabel } })
  if (plan.spec?.policies === undefined) {
    const whole = carried(denial)
    return whole.spec?.policies === undefined ? whole : { ...whole, message: `${whole.message} It stays in its Services: without its labels the policies on it would cut less, or open something.` }
  }
  const keys = releasedKeys(source, relabel, selectors)
  return {
    ...plan,
    objects: [...plan.objects, labelRelease(source, keys)],
    targets: [...plan.targets, `pod/${source.namespace}/${source.name}`],
    message: `${plan.message} Takes the labels ${keys.join(', ')} from it: ${consequence(relabel, source.workload ?? null)}`,
    undo: `${plan.undo} Its labels are put back${relabel === 'services' ? '.' : ': its ReplicaSet then has one pod too many and removes one.'}`,
  }
}

/**
 *     relabel            | workload    | who replaces it
 *     owner-and-services | -           | its ReplicaSet
 *     services           | none        | nobody
 *     services           | StatefulSet | nobody before the undo: the name is taken
 *     services           | another     | its owner, where that selects by the same labels
 */
function consequence (relabel: Relabel, workload: string | null): string {
  if (relabel === 'owner-and-services') return 'its Services send it nothing more, and its ReplicaSet makes another pod.'
  if (workload === null) return 'its Services send it nothing more. It has no owner, so nobody makes another.'
  const [kind = ''] = workload.split('/')
  return kind === 'StatefulSet'
    ? 'its Services send it nothing more. Its StatefulSet lets go of it where it selects by the same labels, and makes no other of its name before this is undone.'
    : `its Services send it nothing more. Its ${kind} lets go of it where it selects by the same labels, and makes another.`
}
