import { contextOf, failedShare, mainPort, sumOf, type Facts } from './facts.ts'
import { LEAST_AMOUNT, type Amount } from './measure.ts'

/** Times what came back. */
const LOPSIDED = 5
/** Services that ask who one is: FTP, ssh, telnet, mail, LDAP, SMB, databases, MQTT, RDP, VNC, WinRM. */
export const ASKS_WHO: ReadonlySet<number> = new Set([
  21, 22, 23, 25, 110, 139, 143, 389, 445, 465, 587, 636, 990, 993, 995, 1433, 1521, 1883, 2222, 3306, 3389, 5432, 5672, 5900, 5901, 5985, 5986, 6379, 8883, 9042, 27017,
])
/** Nothing of use fits into a session with so much payload each way, but a name, a password and a no. */
export const BARREN_BYTES = 200
/** Payload of both sides per flow, below which nothing was said: a handshake and a banner at most. */
export const SAID_BYTES = 20
/** Share of flows that failed, from which on ports were tried and not used. */
export const TRIED = { pair: 0.5, 'fan-out': 0.7 } as const

type Scored = Pick<Facts, 'score'>

/** A bulk that goes one way. */
export function uploadOf (facts: Scored): Amount | null {
  const [sent, received] = [sumOf(facts, 'bytes_sent'), sumOf(facts, 'bytes_received')]
  return facts.score.key.kind !== 'pair' || sent < LEAST_AMOUNT.upload || sent < LOPSIDED * received ? null : { measure: 'upload', port: null, amount: sent }
}

/** Sessions begun at one port that asks who one is, or null. */
export function sessionsOf (facts: Scored): Amount | null {
  const port = mainPort(facts)
  const amount = sumOf(facts, 'syn_count')
  return port === null || !ASKS_WHO.has(port) || amount < LEAST_AMOUNT.sessions ? null : { measure: 'sessions', port, amount }
}

export interface Breadth { readonly ports: number, readonly failed: number, readonly tried: boolean }

/** Ports of the key's other end or ends, and whether they were tried more than used. Null for a fan-in. */
export function breadthOf (facts: Scored): Breadth | null {
  const { kind } = facts.score.key
  if (kind === 'fan-in') return null
  const flows = sumOf(facts, 'flow_count')
  const failed = Math.max(contextOf(facts, 'unanswered') / Math.max(contextOf(facts, 'packets_sent'), 1), failedShare(facts))
  const said = (sumOf(facts, 'bytes_sent') + sumOf(facts, 'bytes_received')) / Math.max(flows, 1)
  return { ports: contextOf(facts, 'distinct_ports'), failed, tried: failed >= TRIED[kind] || said <= SAID_BYTES }
}

/** Sessions in which nothing but a name, a password and a no fits. */
export function areBarren (facts: Scored): boolean {
  const sessions = sessionsOf(facts)
  return sessions !== null && Math.max(sumOf(facts, 'bytes_sent'), sumOf(facts, 'bytes_received')) <= BARREN_BYTES * sessions.amount
}

/** What a score nobody suspects may be known for. Ports that were tried and did not answer teach nothing, so that a scan that grows never becomes usual. */
export function amountsOf (facts: Scored): readonly Amount[] {
  const breadth = breadthOf(facts)
  const used: Amount | null = breadth === null || breadth.tried || breadth.ports < LEAST_AMOUNT.breadth ? null : { measure: 'breadth', port: null, amount: breadth.ports }
  return [uploadOf(facts), sessionsOf(facts), used].filter((amount) => amount !== null)
}
