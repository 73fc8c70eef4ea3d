import { isIP } from 'node:net'
import { answerRules, type Family } from './answer-rules.ts'
import type { SynLimit } from '../../src/wire/chain-name.ts'
import { counterName } from './dropped-counters.ts'
import type { OpenConnection } from './open-connections.ts'
import { beyondLimit } from './syn-limits.ts'

/** Which new TCP connections of a pod go to its proxy. */
export interface RedirectPlan {
  /** The proxy's ports; null where connections of that direction are left alone. */
  readonly inboundPort: number | null
  readonly outboundPort: number | null
  /**
   * The port in the place of `inboundPort` for connections of these families, by which the proxy goes on from its client's own
   * address; null where nothing may lead the answers back to it.
   */
  readonly transparent: {
    readonly port: number
    readonly families: readonly Family[]
    /** Open connections that passed no redirect. */
    readonly older: readonly OpenConnection[]
  } | null
  /** Processes of this group are never redirected: the proxy itself, and who keeps it. */
  readonly group: number
  /** Ports of the pod that are reached directly. */
  readonly directPorts: readonly number[]
  /** Addresses of the pod's node, whose probes have to find a closed port closed. */
  readonly node: readonly string[]
  /** What is dropped before anything is kept of it. */
  readonly synLimits: readonly SynLimit[]
  /** Whom the pod calls directly. */
  readonly directCalls: readonly { readonly address: string, readonly port: number }[]
}

export const TABLE = 'inet autoshield'

/**
 * Only what opens a connection may be redirected: conntrack takes the next packet of a connection that is older than the rules for
 * a new one, and a redirect would reset it.
 */
const OPENS = 'tcp flags & (fin|syn|rst|ack) == syn'

/** Somebody listens where the packet goes to (or a socket of an older connection is there). Through a proxy every port looks open. */
const LISTENED_TO = 'socket transparent <= 1'

/** A neighbour on the link can send the pod what is addressed to another; the proxy would go on to there in the pod's name. */
const FOR_OTHERS = 'fib daddr type != local'

/** Only together with its interface does such an address say whose it is, and the way from the proxy to the application is another interface. */
const LINK_LOCAL = 'ip6 saddr fe80::/10'

/**
 * What makes the rules hold, on one line, which nft makes one transaction: at any moment all of it holds or all of what was before.
 * `flags owner`: the kernel removes the table when the socket that made it closes, so no rule outlives the process that keeps it.
 */
export function redirectRules ({ inboundPort, outboundPort, transparent, group, directPorts, node, directCalls, synLimits }: RedirectPlan): string {
  const inbound = inboundPort === null
    ? []
    : [
        'iifname "lo" return',
        `${FOR_OTHERS} return`,
        ...directPorts.map((port) => `tcp dport ${port} return`),
        ...node.flatMap((address) => [`${family(address)} saddr ${address} ${OPENS} ${LISTENED_TO} redirect to :${portFor(address, inboundPort, transparent)}`, `${family(address)} saddr ${address} return`]),
        ...transparent?.families.flatMap((each) => [...each === 'ip6' ? [`${LINK_LOCAL} ${OPENS} redirect to :${inboundPort}`] : [], `meta nfproto ${PROTOCOLS[each]} ${OPENS} redirect to :${transparent.port}`]) ?? [],
        `${OPENS} redirect to :${inboundPort}`,
      ]
  const outbound = outboundPort === null
    ? []
    : [`meta skgid ${group} return`, 'oifname "lo" return', ...directCalls.map(call), `${OPENS} redirect to :${outboundPort}`]
  return [
    `add table ${TABLE} { flags owner; }`,
    `add chain ${TABLE} inbound { type nat hook prerouting priority dstnat; policy accept; }`,
    `add chain ${TABLE} outbound { type nat hook output priority -100; policy accept; }`,
    `add chain ${TABLE} flood { type filter hook prerouting priority raw; policy accept; }`,
    `flush chain ${TABLE} flood`,
    `flush chain ${TABLE} inbound`,
    `flush chain ${TABLE} outbound`,
    ...countersOf(synLimits).map((name) => `add counter ${TABLE} ${name}`),
    ...flood(node, synLimits).map((rule) => `add rule ${TABLE} flood ${rule}`),
    ...inbound.map((rule) => `add rule ${TABLE} inbound ${rule}`),
    ...outbound.map((rule) => `add rule ${TABLE} outbound ${rule}`),
    ...transparent === null ? [] : answerRules(TABLE, transparent.older),
  ].join('; ')
}

/** The node's own are let pass: probes that failed would have the pod restarted. */
function flood (node: RedirectPlan['node'], limits: readonly SynLimit[]): readonly string[] {
  if (limits.length === 0) return []
  return [
    'iifname "lo" return',
    ...node.map((address) => `${family(address)} saddr ${address} return`),
    ...limits.map((limit) => `${OPENS} ${limit.ports === 'any' ? '' : `tcp dport { ${limit.ports.join(', ')} } `}${beyondLimit(limit)} ${counted(limit)} drop`),
  ]
}

/** They have names, so they outlive the rules that count by them, and one that is there already goes on. */
const countersOf = (limits: readonly SynLimit[]): readonly string[] => [...new Set(limits.flatMap(({ ports }) => ports === 'any' ? [counterName(null)] : ports.map(counterName)))]

const counted = ({ ports }: SynLimit): string =>
  ports === 'any' ? `counter name "${counterName(null)}"` : `counter name tcp dport map { ${ports.map((port) => `${port} : "${counterName(port)}"`).join(', ')} }`

const PROTOCOLS: Readonly<Record<Family, string>> = { ip: 'ipv4', ip6: 'ipv6' }

const portFor = (address: string, port: number, transparent: RedirectPlan['transparent']): number =>
  transparent?.families.includes(family(address)) === true && !address.startsWith('fe80:') ? transparent.port : port

const call = ({ address, port }: RedirectPlan['directCalls'][number]): string =>
  `${family(address)} daddr ${address} tcp dport ${port} return`

const family = (address: string): Family => isIP(address) === 6 ? 'ip6' : 'ip'
