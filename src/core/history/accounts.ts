import type { FlowCounts } from './flow-record.ts'
import type { Witness } from './sighting.ts'

/** What one witness told of two ends at one port in one minute. Ends are by number, for those who keep them so. */
export interface Account extends FlowCounts {
  readonly minute: number
  readonly source: number
  readonly destination: number
  readonly protocol: number
  readonly port: number
  readonly witness: Witness
}

/**
 * Each flow once, where both ends told of it: in each minute, for two ends and one protocol, the destination's account counts
 * wherever there is one, for a source can tell what it likes of others. A recording shows both ends and counts as a destination's.
 *
 *     by its source | by its destination, or a recording | counts
 *     yes           | no                                 | the source's
 *     -             | yes                                | the destination's
 *
 * The protocol decides, not the port: two witnesses may name different ports of many, and none is counted twice.
 */
export function mergeAccounts (accounts: readonly Account[]): Account[] {
  const told = new Set(accounts.filter(({ witness }) => witness !== 'source').map(conversation))
  return accounts.filter((account) => account.witness !== 'source' || !told.has(conversation(account)))
}

const conversation = ({ minute, source, destination, protocol }: Account): string => `${minute} ${source} ${destination} ${protocol}`

/** What accounts add up to over a time. */
export interface Totals extends FlowCounts {
  readonly source: number
  readonly destination: number
  readonly protocol: number
  readonly port: number
  readonly witness: Witness
  readonly firstMinute: number
  readonly lastMinute: number
}

/** Adds an account to what came before it. What is open at the beginning is what the first of them carried. */
export function addAccount (before: Totals | undefined, { minute, ...account }: Account): Totals {
  if (before === undefined) return { ...account, firstMinute: minute, lastMinute: minute }
  return {
    ...before,
    witness: account.witness,
    lastMinute: Math.max(before.lastMinute, minute),
    begun: before.begun + account.begun,
    failed: before.failed + account.failed,
    bytesSent: before.bytesSent + account.bytesSent,
    bytesReceived: before.bytesReceived + account.bytesReceived,
  }
}
