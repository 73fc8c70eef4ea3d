import type { OpenConnection } from './open-connections.ts'

/** As nft names the addresses of a packet. */
export type Family = 'ip' | 'ip6'

/** Of an answer that is to go to the proxy, not to the client whose address the proxy connected from; nothing else sets this mark. */
export const MARK = 0x3a9f

/** Of conntrack, for the packets that the proxy sends in its clients' names. */
const ZONE = 15_007

/** From an address that is not the pod's to one that is: only the proxy's connections in its clients' names have such packets, also when no process holds them any more. */
const IN_A_CLIENTS_NAME = 'oif "lo" fib saddr type != local'

/**
 * What leads the application's answers to a proxy that has connected from its client's address. Such a connection may have the
 * very addresses and ports that its client used for the redirected one, so its packets have a zone of conntrack of their own; the
 * answers to them do not, or they could not be told from those to connections that were not redirected. Of two connections that would
 * get the same answers conntrack gives the newcomer another port. It does not know of those that were there before it and have not
 * spoken since: they are named (`older`), or the newcomer would end them.
 */
export const answerRules = (table: string, older: readonly OpenConnection[]): readonly string[] => [
  `add chain ${table} apart { type filter hook output priority raw; policy accept; }`,
  `add chain ${table} back { type route hook output priority mangle; policy accept; }`,
  `add chain ${table} unique { type nat hook postrouting priority srcnat; policy accept; }`,
  `flush chain ${table} apart`,
  `flush chain ${table} back`,
  `flush chain ${table} unique`,
  `add rule ${table} apart ${IN_A_CLIENTS_NAME} ct original zone set ${ZONE}`,
  `add rule ${table} back ct direction reply ct original zone ${ZONE} meta mark set ${MARK}`,
  ...otherPorts(table, 'ip', older),
  ...otherPorts(table, 'ip6', older),
]

/** Never one below 1024, which would say something of the client. */
function otherPorts (table: string, family: Family, older: readonly OpenConnection[]): readonly string[] {
  const set = `older-${family}`
  const elements = older.filter((each) => each.family === family).map(({ address, port, to }) => `${address} . ${port} . ${to}`)
  return [
    `add set ${table} ${set} { type ${family === 'ip' ? 'ipv4' : 'ipv6'}_addr . inet_service . inet_service; }`,
    ...elements.length === 0 ? [] : [`add element ${table} ${set} { ${elements.join(', ')} }`],
    `add rule ${table} unique ct original zone ${ZONE} ${family} saddr . tcp sport . tcp dport @${set} snat to :1024-65535 fully-random`,
  ]
}
