import type { FeatureName, WindowKey } from '../window/window.ts'
import { bytes, count, duration, number, percent } from './amount.ts'

/** How one feature is told: as what the subject did, and as a bare amount beside it. */
export interface Phrase {
  readonly say: (value: number) => string
  readonly amount: (value: number) => string
}

type PhraseOf = (key: WindowKey) => Phrase

/** The subject is the source, or the destination of a fan-in, to which things are done. */
const told = (amount: Phrase['amount'], acting: (value: string, key: WindowKey) => string, receiving: (value: string) => string): PhraseOf =>
  (key) => ({ amount, say: (value) => key.kind === 'fan-in' ? receiving(amount(value)) : acting(amount(value), key) })

const to = (key: WindowKey): string => key.kind === 'pair' ? ` to ${key.destination}` : ''
const from = (key: WindowKey): string => key.kind === 'pair' ? ` from ${key.destination}` : ''

const uniquePorts: PhraseOf = (key) => {
  switch (key.kind) {
    case 'pair': return { say: (value) => `tried ${number(value)} different ${number(value) === '1' ? 'port' : 'ports'} of ${key.destination}`, amount: (value) => count(value, 'port') }
    case 'fan-out': return { say: (value) => `tried ${count(value, 'different port or address', 'different ports and addresses')}`, amount: (value) => number(value) }
    case 'fan-in': return { say: (value) => `was approached from ${count(value, 'address', 'addresses')}`, amount: (value) => count(value, 'address', 'addresses') }
  }
}

export const PHRASES: Readonly<Record<FeatureName, PhraseOf>> = {
  flow_count: told((value) => count(value, 'connection'), (text, key) => `had ${text}${to(key)}`, (text) => `was given ${text}`),
  bytes_sent: told(bytes, (text, key) => `sent ${text}${to(key)}`, (text) => `was sent ${text}`),
  bytes_received: told(bytes, (text, key) => `got ${text}${from(key)}`, (text) => `answered with ${text}`),
  syn_count: told((value) => count(value, 'connection request'), (text, key) => `sent ${text}${to(key)}`, (text) => `was sent ${text}`),
  ack_count: told((value) => count(value, 'acknowledgement'), (text, key) => `exchanged ${text}${key.kind === 'pair' ? ` with ${key.destination}` : ''}`, (text) => `exchanged ${text}`),
  rst_count: told((value) => count(value, 'reset'), (text, key) => `had ${text} in its connections${to(key)}`, (text) => `had ${text} in its connections`),
  fin_count: told((value) => count(value, 'closing packet'), (text, key) => `had ${text} in its connections${to(key)}`, (text) => `had ${text} in its connections`),
  duration_s: told(duration, (text, key) => `kept its connections${to(key)} for ${text} on average`, (text) => `had its connections kept for ${text} on average`),
  iat_mean_ms: told((value) => duration(value / 1000), (text) => `left ${text} between its packets on average`, (text) => `was sent a packet every ${text} on average`),
  iat_std_ms: told((value) => duration(value / 1000), (text) => `varied the gaps between its packets by ${text}`, (text) => `was sent packets at gaps that varied by ${text}`),
  failed_conn_ratio: told(percent, (text) => `failed in ${text} of its attempts`, (text) => `refused or ignored ${text} of the attempts`),
  unique_ports: uniquePorts,
}
