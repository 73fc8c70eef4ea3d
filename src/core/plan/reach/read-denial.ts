import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../errors.ts'
import { LabelSelector } from '../../kubernetes/label-selector.ts'
import { TRANSPORTS } from '../../kubernetes/transport.ts'
import { NAMESPACE_KEY } from '../cilium-policy.ts'
import { parseBlock } from './address-block.ts'
import type { Peer, Policy, PortRule, Rule } from './policy.ts'

const strict = { additionalProperties: false }
const Selector = Type.Object(LabelSelector.properties, strict)
const Ports = Type.Optional(Type.Array(Type.Object({ ports: Type.Array(Type.Object({ port: Type.String({ pattern: '^[1-9][0-9]{0,4}$' }), protocol: Type.Literal('ANY') }, strict)) }, strict)))
const selectors = Type.Optional(Type.Array(Selector))
const blocks = Type.Optional(Type.Array(Type.String()))
const off = Type.Literal(false)

const Denial = Type.Object({
  metadata: Type.Object({ name: Type.String({ minLength: 1 }), namespace: Type.String({ minLength: 1 }) }),
  spec: Type.Object({
    endpointSelector: Selector,
    enableDefaultDeny: Type.Object({ egress: off, ingress: off }, strict),
    egressDeny: Type.Optional(Type.Array(Type.Object({ toEndpoints: selectors, toCIDR: blocks, toPorts: Ports }, strict))),
    ingressDeny: Type.Optional(Type.Array(Type.Object({ fromEndpoints: selectors, fromCIDR: blocks, toPorts: Ports }, strict))),
  }, strict),
})
const check = Compile(Denial)
type Ports = Static<typeof Ports>
type Selectors = Static<typeof selectors>

/** A CiliumNetworkPolicy of the form that we write. Throws BAD_DATA for any other: nobody judges what people write in Cilium's own language. */
export function readDenial (object: unknown): Policy {
  if (!check.Check(object)) throw new AutoshieldError('BAD_DATA', 'A CiliumNetworkPolicy of AutoShield says something else than AutoShield wrote. It is put back while its mitigation is in force; delete it otherwise.')
  const { metadata: { namespace, name }, spec: { endpointSelector, egressDeny = [], ingressDeny = [] } } = object
  return {
    namespace,
    name,
    pods: endpointSelector,
    ingress: null,
    egress: null,
    deny: {
      egress: egressDeny.map(({ toEndpoints, toCIDR, toPorts }) => ruleOf(toEndpoints, toCIDR, toPorts)),
      ingress: ingressDeny.map(({ fromEndpoints, fromCIDR, toPorts }) => ruleOf(fromEndpoints, fromCIDR, toPorts)),
    },
  }
}

const ruleOf = (endpoints: Selectors = [], cidrs: readonly string[] = [], lists: Ports = []): Rule => ({
  peers: [...endpoints.map(podsOf), ...cidrs.map(blockOf)],
  ports: lists.length === 0 ? 'any' : lists.flatMap(({ ports }) => ports.flatMap(({ port }): PortRule[] => TRANSPORTS.map((protocol) => ({ protocol, first: Number(port), last: Number(port) })))),
})

const NAME = 'kubernetes.io/metadata.name'

/** What speaks of the namespace, and what of the pod. */
function podsOf ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): Peer {
  const { [NAMESPACE_KEY]: namespace, ...labels } = matchLabels
  const [ofNamespace, ofPod] = [true, false].map((isOf) => matchExpressions.filter(({ key }) => (key === NAMESPACE_KEY) === isOf))
  return {
    kind: 'pods',
    namespaces: { ...(namespace !== undefined && { matchLabels: { [NAME]: namespace } }), matchExpressions: (ofNamespace ?? []).map((each) => ({ ...each, key: NAME })) },
    pods: { matchLabels: labels, matchExpressions: ofPod ?? [] },
  }
}

function blockOf (cidr: string): Peer {
  const block = parseBlock(cidr)
  if (block === null) throw new AutoshieldError('BAD_DATA', `${JSON.stringify(cidr)} in a CiliumNetworkPolicy of AutoShield is no block of addresses: delete the policy, and it is written anew.`)
  return { kind: 'block', block, except: [] }
}
