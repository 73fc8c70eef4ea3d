import { isRecord } from '../../src/core/kubernetes/read-object.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import type { Scope } from '../../src/ports/kubernetes.ts'

export function inScope (object: KubernetesObject, { namespace, labelSelector, fieldSelector }: Scope): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false
  const { labels = {} } = object.metadata
  if (labelSelector !== undefined && !requirements(labelSelector).every((each) => fits(each, (key) => labels[key]))) return false
  return fieldSelector === undefined || requirements(fieldSelector).every((each) => fits(each, (path) => fieldAt(object, path)))
}

/** Splits at the commas that stand outside of parentheses. */
const requirements = (selector: string): string[] => selector.split(/,(?![^(]*\))/).map((text) => text.trim()).filter((text) => text !== '')

function fits (requirement: string, valueOf: (key: string) => string | undefined): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(requirement)
  if (set !== null) {
    const [, key = '', operator, values = ''] = set
    const value = valueOf(key)
    return values.split(',').map((each) => each.trim()).includes(value ?? '\0') === (operator === 'in')
  }
  const comparison = /^([^=!]+)(!=|==?)(.*)$/.exec(requirement)
  if (comparison !== null) {
    const [, key = '', operator, value = ''] = comparison
    return (valueOf(key.trim()) === value.trim()) === (operator !== '!=')
  }
  return requirement.startsWith('!') ? valueOf(requirement.slice(1)) === undefined : valueOf(requirement) !== undefined
}

function fieldAt (object: KubernetesObject, path: string): string | undefined {
  const value = path.split('.').reduce<unknown>((at, field) => isRecord(at) ? at[field] : undefined, object)
  return typeof value === 'string' ? value : undefined
}
