import type { LabelSelector, RawPeer, RawPolicy, RawRule } from './raw-cluster.ts'

/**
 * The same policies in words that cyclonus understands as Kubernetes does. It reads two selectors otherwise than Kubernetes' own
 * library (held by a test):
 *
 * - `NotIn` does not match there where the label is missing. A `NotIn` becomes two selectors, one with `DoesNotExist` in its place;
 *   policies and peers are united, so two are as good as one that says or.
 * - `matchLabels` with an empty value matches there where the label is missing. Such a one gets an `Exists` beside it.
 */
export const forCyclonus = (policies: readonly RawPolicy[]): RawPolicy[] => policies.flatMap((policy) => {
  const { podSelector, ingress, egress, policyTypes } = policy.spec
  return alternatives(podSelector).map((selector, at): RawPolicy => ({
    ...policy,
    metadata: { ...policy.metadata, name: `${policy.metadata.name}-${at}` },
    spec: {
      podSelector: selector,
      ...policyTypes && { policyTypes },
      ...ingress && { ingress: ingress.map((rule) => forRule(rule, 'from')) },
      ...egress && { egress: egress.map((rule) => forRule(rule, 'to')) },
    },
  }))
})

const forRule = (rule: RawRule, field: 'from' | 'to'): RawRule => rule[field] === undefined ? rule : { ...rule, [field]: rule[field].flatMap(forPeer) }

function forPeer (peer: RawPeer): RawPeer[] {
  const { podSelector, namespaceSelector } = peer
  return alternatives(podSelector).flatMap((pods) => alternatives(namespaceSelector).map((namespaces) => ({
    ...peer, ...podSelector && { podSelector: pods }, ...namespaceSelector && { namespaceSelector: namespaces },
  })))
}

function alternatives ({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): LabelSelector[] {
  const empty = Object.keys(matchLabels).filter((key) => matchLabels[key] === '').map((key) => ({ key, operator: 'Exists' as const }))
  return matchExpressions.reduce<LabelSelector[]>((found, requirement) => {
    const ways = requirement.operator === 'NotIn' ? [requirement, { key: requirement.key, operator: 'DoesNotExist' as const }] : [requirement]
    return found.flatMap((selector) => ways.map((way) => ({ ...selector, matchExpressions: [...selector.matchExpressions ?? [], way] })))
  }, [{ matchLabels, matchExpressions: empty }])
}
