import type { FeatureName, WindowKey } from '../window/window.ts'
import { bytes, count, duration, number, percent } from './amount.ts'
import { isFeature } from './span.ts'

/** How one feature is told: as what the subject did, as a bare amount beside it, and as an amount that says by itself of what it is. */
export interface Phrase {
  readonly say: (value: number) => string
  readonly amount: (value: number) => string
  readonly noun: (value: number) => string
}

type PhraseOf = (key: WindowKey) => Phrase

/** The subject is the source, or the destination of a fan-in, to which things are done. */
const told = (amount: Phrase['amount'], acting: (value: string, key: WindowKey) => string, receiving: (value: string) => string, noun: (value: string) => string = (text) => text): PhraseOf =>
  (key) => ({ amount, say: (value) => key.kind === 'fan-in' ? receiving(amount(value)) : acting(amount(value), key), noun: (value) => noun(amount(value)) })

const to = (key: WindowKey): string => key.kind === 'pair' ? ` to ${key.destination}` : ''
const from = (key: WindowKey): string => key.kind === 'pair' ? ` from ${key.destination}` : ''

const uniquePorts: PhraseOf = (key) => {
  const amount = (value: number): string => key.kind === 'pair' ? count(value, 'port') : key.kind === 'fan-out' ? number(value) : count(value, 'address', 'addresses')
  switch (key.kind) {
    case 'pair': return { amount, say: (value) => `tried ${number(value)} different ${number(value) === '1' ? 'port' : 'ports'} of ${key.destination}`, noun: amount }
    case 'fan-out': return { amount, say: (value) => `tried ${ends(value)}`, noun: ends }
    case 'fan-in': return { amount, say: (value) => `was approached from ${amount(value)}`, noun: amount }
  }
}
const ends = (value: number): string => count(value, 'different port or address', 'different ports and addresses')

const PHRASES: Readonly<Record<FeatureName, PhraseOf>> = {
  flow_count: told((value) => count(value, 'connection'), (text, key) => `had ${text}${to(key)}`, (text) => `was given ${text}`),
  bytes_sent: told(bytes, (text, key) => `sent ${text}${to(key)}`, (text) => `was sent ${text}`, (text) => `${text} sent`),
  bytes_received: told(bytes, (text, key) => `got ${text}${from(key)}`, (text) => `answered with ${text}`, (text) => `${text} in return`),
  syn_count: told((value) => count(value, 'connection request'), (text, key) => `sent ${text}${to(key)}`, (text) => `was sent ${text}`),
  ack_count: told((value) => count(value, 'acknowledgement'), (text, key) => `exchanged ${text}${key.kind === 'pair' ? ` with ${key.destination}` : ''}`, (text) => `exchanged ${text}`),
  rst_count: told((value) => count(value, 'reset'), (text, key) => `had ${text} in its connections${to(key)}`, (text) => `had ${text} in its connections`),
  fin_count: told((value) => count(value, 'closing packet'), (text, key) => `had ${text} in its connections${to(key)}`, (text) => `had ${text} in its connections`),
  duration_s: told(duration, (text, key) => `kept its connections${to(key)} for ${text} on average`, (text) => `had its connections kept for ${text} on average`, (text) => `${text} of age of its connections on average`),
  iat_mean_ms: told((value) => duration(value / 1000), (text) => `left ${text} between its packets on average`, (text) => `was sent a packet every ${text} on average`, (text) => `${text} between packets on average`),
  iat_std_ms: told((value) => duration(value / 1000), (text) => `varied the gaps between its packets by ${text}`, (text) => `was sent packets at gaps that varied by ${text}`, (text) => `${text} of variation in the gaps between packets`),
  failed_conn_ratio: told(percent, (text) => `failed in ${text} of its attempts`, (text) => `refused or ignored ${text} of the attempts`, (text) => `${text} of the attempts failed`),
  unique_ports: uniquePorts,
}

const PROTOCOLS: Readonly<Record<string, string>> = { share_tcp: 'TCP', share_udp: 'UDP', share_icmp: 'ICMP' }

/** How a feature, or a column of the context, is told. A name that is neither is told as itself. */
export function phraseOf (name: string, key: WindowKey): Phrase {
  if (isFeature(name)) return PHRASES[name](key)
  const protocol = PROTOCOLS[name]
  const port = name.startsWith('port_') ? name.slice('port_'.length).replace('_', ' ') : null
  if (port !== null) return told(percent, (text) => `sent ${text} of its packets to ${port} ports`, (text) => `was sent ${text} of its packets at ${port} ports`, (text) => `${text} of the packets at ${port} ports`)(key)
  if (protocol !== undefined) return told(percent, (text) => `spoke ${protocol} in ${text} of its packets`, (text) => `was spoken to by ${protocol} in ${text} of its packets`, (text) => `${text} of ${protocol}`)(key)
  if (name === 'packets_sent' || name === 'packets_received') return told((value) => count(value, 'packet'), (text) => `sent ${text}`, (text) => `was sent ${text}`)(key)
  return told(number, (text) => `had ${name} of ${text}`, (text) => `had ${name} of ${text}`, (text) => `${name} of ${text}`)(key)
}
