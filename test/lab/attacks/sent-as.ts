import type { AttackPlan } from './plan.ts'

/**
 * What an attack is made of on the wire: connections that its tool asks the kernel for; packets of TCP that the tool makes itself, with
 * which no connection begins or which nobody finishes; or no TCP at all. Proxies and sockets know of the first alone.
 */
export type SentAs = 'connections' | 'raw packets' | 'no TCP'

/** Tools that make their own packets; nmap does, as root, unless it is told to connect. */
const RAW = /\b(?:hping3|nping|masscan)\b|\bnmap\b(?!.* -sT\b)/

export function sentAs ({ legs, command }: Pick<AttackPlan, 'legs' | 'command'>): SentAs {
  if (legs.every(({ protocol }) => protocol !== 'tcp')) return 'no TCP'
  return RAW.test(command) ? 'raw packets' : 'connections'
}
