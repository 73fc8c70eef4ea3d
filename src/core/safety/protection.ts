import type { Pod } from '../pod.ts'
import { ALWAYS_PROTECTED_NAMESPACES, type SafetySettings } from './settings.ts'

/** Why the pod is never to be touched, in words; null where it may be. */
export function protectionOf (pod: Pod, settings: SafetySettings): string | null {
  const name = `${pod.namespace}/${pod.name}`
  if (ALWAYS_PROTECTED_NAMESPACES.some((namespace) => namespace === pod.namespace)) return `${name} is in ${pod.namespace}, which is always protected`
  if (settings.protectedNamespaces.includes(pod.namespace)) return `${name} is in the protected namespace ${pod.namespace}`
  if (settings.protectedPods.includes(name)) return `${name} is a protected pod`
  const label = settings.protectedLabels.find(({ key, value }) => Object.hasOwn(pod.labels, key) && pod.labels[key] === value)
  return label === undefined ? null : `${name} has the label ${label.key}=${label.value}, which protects it`
}
