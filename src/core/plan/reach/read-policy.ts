import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../errors.ts'
import { LabelSelector } from '../../kubernetes/label-selector.ts'
import { isRecord } from '../../kubernetes/read-object.ts'
import { TRANSPORTS } from '../../kubernetes/transport.ts'
import { parseBlock, type AddressBlock } from './address-block.ts'
import type { Peer, Policy, PortRule, Rule } from './policy.ts'

// Unknown fields are refused: one that narrows a rule, as a later version of the API may have, must not be read over.
const strict = { additionalProperties: false }
const Block = Type.Object({ cidr: Type.String(), except: Type.Optional(Type.Array(Type.String())) }, strict)
const Selector = Type.Object(LabelSelector.properties, strict)
const RawPeer = Type.Object({ podSelector: Type.Optional(Selector), namespaceSelector: Type.Optional(Selector), ipBlock: Type.Optional(Block) }, strict)
const number = Type.Integer({ minimum: 1, maximum: 65_535 })
const RawPort = Type.Object({
  protocol: Type.Optional(Type.Enum([...TRANSPORTS])),
  port: Type.Optional(Type.Union([number, Type.String({ minLength: 1 })])),
  endPort: Type.Optional(number),
}, strict)
const ports = Type.Optional(Type.Array(RawPort))
const peers = Type.Optional(Type.Array(RawPeer))
type RawPeer = Static<typeof RawPeer>
type RawPort = Static<typeof RawPort>

const RawPolicy = Type.Object({
  metadata: Type.Object({ name: Type.String({ minLength: 1 }), namespace: Type.String({ minLength: 1 }) }),
  spec: Type.Object({
    podSelector: Type.Optional(Selector),
    policyTypes: Type.Optional(Type.Array(Type.Union([Type.Literal('Ingress'), Type.Literal('Egress')]))),
    ingress: Type.Optional(Type.Array(Type.Object({ from: peers, ports }, strict))),
    egress: Type.Optional(Type.Array(Type.Object({ to: peers, ports }, strict))),
  }, strict),
})
const check = Compile(RawPolicy)

/**
 * A NetworkPolicy as the API server sends it or as a person wrote it. What the API server fills in is filled in here too
 * (k8s.io/kubernetes, pkg/apis/networking/v1/defaults.go). Throws BAD_DATA, with the policy, the place and the mend, for
 * what the API server would not have taken, or what this version does not know.
 */
export function readPolicy (object: unknown): Policy {
  const place = nameOf(object)
  const refuse: Refuse = (where, what) => { throw new AutoshieldError('BAD_DATA', `NetworkPolicy ${place}: ${where}: ${what}.`) }
  if (!check.Check(object)) {
    const [first] = check.Errors(object)
    // What may not be there is told as a schema that is false.
    const what = first?.keyword === 'boolean' ? 'is no field that is known here' : first?.message ?? 'is none'
    return refuse(first?.instancePath.slice(1).replaceAll('/', '.') ?? '', `${what}: write it as networking.k8s.io/v1 does, or bring AutoShield up to date if the field is new`)
  }
  const { metadata: { namespace, name }, spec } = object
  const { podSelector = {}, ingress = [], egress = [] } = spec
  const types = spec.policyTypes === undefined || spec.policyTypes.length === 0 ? ['Ingress', ...(egress.length > 0 ? ['Egress'] : [])] : spec.policyTypes
  return {
    namespace,
    name,
    pods: selector(podSelector, 'spec.podSelector', refuse),
    ingress: types.includes('Ingress') ? ingress.map(({ from, ports: some }, at) => readRule(from, some, `spec.ingress.${at}`, 'from', refuse)) : null,
    egress: types.includes('Egress') ? egress.map(({ to, ports: some }, at) => readRule(to, some, `spec.egress.${at}`, 'to', refuse)) : null,
  }
}

type Refuse = (where: string, what: string) => never

/** A list of peers or of ports that is missing or empty lists them all. */
function readRule (raw: readonly RawPeer[] | undefined, some: readonly RawPort[] | undefined, where: string, field: 'from' | 'to', refuse: Refuse): Rule {
  return {
    peers: raw === undefined || raw.length === 0 ? 'everybody' : raw.map((peer, at) => readPeer(peer, `${where}.${field}.${at}`, refuse)),
    ports: some === undefined || some.length === 0 ? 'any' : some.map((port, at) => readPort(port, `${where}.ports.${at}`, refuse)),
  }
}

function readPeer ({ podSelector, namespaceSelector, ipBlock }: RawPeer, where: string, refuse: Refuse): Peer {
  if (ipBlock !== undefined) {
    if (podSelector !== undefined || namespaceSelector !== undefined) return refuse(where, 'an ipBlock stands alone: give the selectors a peer of their own')
    const block = (cidr: string, at: string): AddressBlock => parseBlock(cidr) ?? refuse(`${where}.ipBlock.${at}`, `${JSON.stringify(cidr)} is no block of addresses: write one as 10.0.0.0/8 or fd00::/8`)
    return { kind: 'block', block: block(ipBlock.cidr, 'cidr'), except: (ipBlock.except ?? []).map((cidr, at) => block(cidr, `except.${at}`)) }
  }
  if (podSelector === undefined && namespaceSelector === undefined) return refuse(where, 'names nobody: write a podSelector, a namespaceSelector or an ipBlock')
  return {
    kind: 'pods',
    namespaces: namespaceSelector === undefined ? null : selector(namespaceSelector, `${where}.namespaceSelector`, refuse),
    pods: selector(podSelector ?? {}, `${where}.podSelector`, refuse),
  }
}

function readPort ({ protocol = 'TCP', port, endPort }: RawPort, where: string, refuse: Refuse): PortRule {
  if (endPort !== undefined && (typeof port !== 'number' || endPort < port)) return refuse(where, 'endPort needs a port that is a number and not above it')
  if (port === undefined) return { protocol, first: 1, last: 65_535 }
  return typeof port === 'string' ? { protocol, name: port } : { protocol, first: port, last: endPort ?? port }
}

function selector (raw: LabelSelector, where: string, refuse: Refuse): LabelSelector {
  for (const [at, { operator, values = [] }] of (raw.matchExpressions ?? []).entries()) {
    const wantsValues = operator === 'In' || operator === 'NotIn'
    if (wantsValues === (values.length === 0)) refuse(`${where}.matchExpressions.${at}`, wantsValues ? `${operator} needs values` : `${operator} takes no values`)
  }
  return raw
}

/** Of what may be no object at all. */
function nameOf (object: unknown): string {
  const metadata = isRecord(object) && isRecord(object['metadata']) ? object['metadata'] : {}
  const [namespace, name] = [metadata['namespace'], metadata['name']]
  return `${typeof namespace === 'string' ? namespace : '?'}/${typeof name === 'string' ? name : '?'}`
}
