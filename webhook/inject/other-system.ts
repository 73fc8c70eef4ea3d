import { isJson, type Json } from './pod-shape.ts'

const OS_LABELS: ReadonlySet<unknown> = new Set(['kubernetes.io/os', 'beta.kubernetes.io/os'])
const LINUX = 'linux'

/** The field that sends the pod to another system than Linux, null where none does. The kubelet refuses a pod on a node that does not fit, so none of them evades an observer. */
export function otherSystem (spec: Json): string | null {
  const { os, nodeSelector, affinity } = spec
  if (isJson(os) && typeof os['name'] === 'string' && os['name'] !== LINUX) return 'spec.os.name'
  if (isJson(nodeSelector) && Object.entries(nodeSelector).some(([label, value]) => OS_LABELS.has(label) && typeof value === 'string' && value !== LINUX)) return 'spec.nodeSelector'
  const terms = requiredTerms(affinity)
  return terms.length > 0 && terms.every(needsOther) ? 'spec.affinity.nodeAffinity' : null
}

function requiredTerms (affinity: unknown): readonly unknown[] {
  const node = isJson(affinity) ? affinity['nodeAffinity'] : undefined
  const required = isJson(node) ? node['requiredDuringSchedulingIgnoredDuringExecution'] : undefined
  const terms: unknown = isJson(required) ? required['nodeSelectorTerms'] : undefined
  return Array.isArray(terms) ? terms : []
}

/** The terms are alternatives; the expressions of one must all hold. */
function needsOther (term: unknown): boolean {
  const expressions: unknown = isJson(term) ? term['matchExpressions'] : undefined
  return Array.isArray(expressions) && expressions.some((expression: unknown) => {
    if (!isJson(expression) || !OS_LABELS.has(expression['key']) || !Array.isArray(expression['values'])) return false
    const linux = expression['values'].includes(LINUX)
    return expression['operator'] === 'In' ? !linux : expression['operator'] === 'NotIn' && linux
  })
}
