import { LABELS, MANAGED_BY } from '../../../src/core/injection/names.ts'
import { finding, type Change, type Rule } from '../change.ts'
import { isSame, mapAt, type Fields } from '../field.ts'

const WORDS = { CREATE: 'made', UPDATE: 'edited', DELETE: 'deleted', CONNECT: 'called' } as const

/** All that an object says of itself; a Role keeps it in `rules`, a RoleBinding in `subjects`, most in `spec`. */
const content = (object: Fields | null): unknown => ({ ...object, metadata: null, status: null })

/** Metadata that the API server itself moves on is no edit. */
const isEdit = ({ operation, before, after }: Change): boolean => operation !== 'UPDATE' ||
  !isSame(content(before), content(after)) ||
  !isSame(mapAt(before, 'metadata', 'labels'), mapAt(after, 'metadata', 'labels')) ||
  !isSame(mapAt(before, 'metadata', 'annotations'), mapAt(after, 'metadata', 'annotations'))

const isBySomebody = ({ caller }: Change): boolean => caller === 'somebody' || caller === 'kubelet'

/** A mitigation by hand can cut pods off, and one that goes opens what was cut. */
export const mitigationChanged: Rule = (change) => {
  if (change.group !== 'autoshield.dev' || change.plural !== 'mitigations' || change.subresource !== '' || !isBySomebody(change) || !isEdit(change)) return []
  return [finding('MitigationChanged', `mitigation ${change.name} is ${WORDS[change.operation]} by hand: undo a restriction by \`autoshield mitigations revert ${change.name} --reason TEXT\`, and change the policy for new ones.`)]
}

const POLICIES: Readonly<Record<string, string>> = {
  'networking.k8s.io/networkpolicies': 'NetworkPolicy',
  'cilium.io/ciliumnetworkpolicies': 'CiliumNetworkPolicy',
  'cilium.io/ciliumclusterwidenetworkpolicies': 'CiliumClusterwideNetworkPolicy',
}

export const networkPolicyChanged: Rule = (change) => {
  const kind = POLICIES[`${change.group}/${change.plural}`]
  if (kind === undefined || change.subresource !== '' || change.before === null || !isBySomebody(change)) return []
  const policy = `${kind} ${change.namespace === '' ? '' : `${change.namespace}/`}${change.name}`
  const isOurs = mapAt(change.before, 'metadata', 'labels')[LABELS.managedBy] === MANAGED_BY
  if (isOurs && isEdit(change)) {
    return [finding('PolicyObjectChanged', `${policy} is AutoShield's and is ${WORDS[change.operation]} by somebody else: undo its mitigation instead.`)]
  }
  if (change.operation !== 'DELETE' || isOurs) return []
  return [finding('NetworkPolicyRemoved', `${policy} is deleted: what it cut is open unless another one cuts it.`)]
}

/** Whoever stops our own processes stops all that follows, so it is said while somebody still listens. */
export const ownWorkloadChanged: Rule = (change) => {
  const { namespace, ownNamespace, operation, group, plural, name, subresource } = change
  if (group === 'autoshield.dev' || POLICIES[`${group}/${plural}`] !== undefined) return [] // they have rules of their own
  const at = plural === 'namespaces' ? name : namespace
  if (at !== ownNamespace || !isBySomebody(change) || operation === 'CREATE' || operation === 'CONNECT' || !isEdit(change)) return []
  if (plural === 'pods' && operation === 'UPDATE') return []
  const what = `${plural}${subresource === '' ? '' : `/${subresource}`} ${name}`
  const severity = plural === 'pods' ? 'medium' : 'high' // a Deployment makes its pod again
  return [finding('OwnWorkloadChanged', `${what} in AutoShield's own namespace is ${WORDS[operation]} by somebody else: make sure that this was an upgrade or an uninstallation that was meant.`, severity)]
}
