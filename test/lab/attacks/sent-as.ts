import type { AttackPlan } from './plan.ts'

/**
 * What an attack is made of on the wire: connections that its tool asks the kernel for; packets that the tool makes itself, with which no
 * connection begins or which nobody finishes; or datagrams and pings. Proxies know of the first alone, sockets of little more.
 */
export type SentAs = 'connections' | 'raw packets' | 'no TCP'

/** Tools that make their own packets; nmap does, as root, unless it is told to connect. */
const RAW = /\b(?:hping3|nping|masscan)\b|\bnmap\b(?!.* -sT\b)/

export function sentAs ({ legs, command }: Pick<AttackPlan, 'legs' | 'command'>): SentAs {
  if (RAW.test(command)) return 'raw packets'
  return legs.every(({ protocol }) => protocol !== 'tcp') ? 'no TCP' : 'connections'
}
