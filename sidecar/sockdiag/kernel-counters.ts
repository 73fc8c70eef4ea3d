/** Counters of a network namespace, cumulative: /proc/net/snmp and /proc/net/netstat (RFC 4022 for those of the MIB). */
export type KernelCounters = ReadonlyMap<string, number>

/** Both files are pairs of lines: `Tcp: Name Name …`, `Tcp: 1 2 …`. The counters come as `Tcp.Name`. */
export function parseCounters (text: string): KernelCounters {
  const counters = new Map<string, number>()
  const lines = text.split('\n')
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const names = lines[at]?.split(' ') ?? []
    const values = lines[at + 1]?.split(' ') ?? []
    const group = names[0]
    if (group === undefined || group !== values[0]) continue
    for (let column = 1; column < names.length; column++) counters.set(`${group.slice(0, -1)}.${names[column] ?? ''}`, Number(values[column]) || 0)
  }
  return counters
}

/** How much a counter has grown; 0 where either reading lacks it (an older kernel). */
export function grown (before: KernelCounters, after: KernelCounters, name: string): number {
  return Math.max(0, (after.get(name) ?? 0) - (before.get(name) ?? after.get(name) ?? 0))
}
