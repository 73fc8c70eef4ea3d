import type { Endpoint, FeatureEvidence } from '../../../core/verdict/detection.ts'
import type { OpenConnections } from '../../../core/mitigation/open-connections.ts'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import type { FeatureName } from '../../../core/window/window.ts'

interface ClassWords { readonly title: string, readonly doing: string, readonly forged: string }

const CLASS_WORDS: Readonly<Record<string, ClassWords>> = {
  LATERAL_MOVEMENT: { title: 'Lateral movement', doing: 'is moving onto', forged: 'Several sources are moving onto' },
  PORT_SCAN: { title: 'Port scan', doing: 'is scanning', forged: 'Several sources are scanning' },
  SYN_FLOOD: { title: 'SYN flood', doing: 'is flooding', forged: 'A flood from many sources is hitting' },
  BRUTE_FORCE: { title: 'Password guessing', doing: 'is guessing passwords on', forged: 'Several sources are guessing passwords on' },
  DATA_EXFILTRATION: { title: 'Data exfiltration', doing: 'is sending data out to', forged: 'Several sources are sending data out to' },
}

/** The words of a class; a user's own class speaks for itself. */
export function classWords (name: string): ClassWords {
  const own = { title: name, doing: `shows ${name} towards`, forged: `Several sources show ${name} towards` }
  return Object.hasOwn(CLASS_WORDS, name) ? CLASS_WORDS[name] ?? own : own
}

export const endpointName = (endpoint: Endpoint): string => endpoint.name ?? endpoint.address
export const fullName = (endpoint: Endpoint): string =>
  endpoint.name === undefined ? endpoint.address : `${endpoint.namespace === undefined ? '' : `${endpoint.namespace}/`}${endpoint.name}`

export function subjectName ({ subject, node }: Pick<Mitigation['spec'], 'subject' | 'node'>): string {
  if (node !== undefined) return `node ${node.name}`
  return subject === 'anySource' ? 'any source' : subject.name ?? subject.addresses[0] ?? subject.uid
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
/** Three digits, but nothing finer than a hundredth. */
const decimal = (value: number): string => value > 0 && value < 0.01 ? '< 0.01' : three.format(value)
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** A count with thousands separated; below 100 with up to three digits. */
export const number = (value: number): string => Math.abs(value) >= 100 || Number.isInteger(value) ? grouped.format(value) : three.format(value)
/** `41 %` of a share from 0 to 1. */
export const percent = (share: number): string => `${three.format(Math.round(1000 * share) / 10)} %`
export const short = (value: number): string => compact.format(value)

export function bytes (value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  return `${three.format(value / 1000 ** power)} ${units[power] ?? 'B'}`
}

/** `9:21`, `1:02:03`: what remains of a time to live. */
export function remaining (ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const pad = (part: number): string => String(part).padStart(2, '0')
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`
}

/** `0.4 s`, `3 min`, `2 h`: how long something took. */
export function span (ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${three.format(ms / 1000)} s`
  if (ms < 3_600_000) return `${three.format(ms / 60_000)} min`
  return ms < 172_800_000 ? `${three.format(ms / 3_600_000)} h` : `${three.format(ms / 86_400_000)} days`
}

/** `20 min`, `2 h`, `5 days`: how long something still lasts. */
export function roughly (ms: number): string {
  if (ms < 3_600_000) return `${Math.max(1, Math.round(ms / 60_000))} min`
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`
}

interface FeatureWords { readonly title: string, readonly format: (value: number) => string, readonly say: (value: string) => string }

const counted = (title: string): FeatureWords => ({ title, format: number, say: (value) => `${value} ${title}` })

const FEATURE_WORDS: Readonly<Record<FeatureName, FeatureWords>> = {
  flow_count: counted('flows'),
  bytes_sent: { title: 'bytes sent', format: bytes, say: (value) => `${value} sent` },
  bytes_received: { title: 'bytes received', format: bytes, say: (value) => `${value} received` },
  syn_count: counted('SYNs'),
  ack_count: counted('ACKs'),
  rst_count: counted('RSTs'),
  fin_count: counted('FINs'),
  duration_s: { title: 'flow age', format: (value) => `${decimal(value)} s`, say: (value) => `flows ${value} old on average` },
  iat_mean_ms: { title: 'gap, mean', format: (value) => `${decimal(value)} ms`, say: (value) => `${value} between packets` },
  iat_std_ms: { title: 'gap, deviation', format: (value) => `${decimal(value)} ms`, say: (value) => `gaps that deviate by ${value}` },
  failed_conn_ratio: { title: 'failed attempts', format: (value) => `${three.format(value * 100)} %`, say: (value) => `${value} of the decided attempts failed` },
  unique_ports: counted('distinct ports'),
}

export function featureWords (name: string): FeatureWords {
  if (Object.hasOwn(FEATURE_WORDS, name)) return FEATURE_WORDS[name as FeatureName]
  const [, of, what = ''] = /^(port|share)_(.*)$/.exec(name) ?? []
  if (of === undefined) return counted(name.replaceAll('_', ' '))
  const title = of === 'port' ? `packets at ${what.replaceAll('_', ' ')} ports` : `${what.toUpperCase()} packets`
  return { title, format: (value) => `${three.format(value * 100)} %`, say: (value) => `${value} ${title}` }
}

/** One feature's part in a score, in words with its numbers. */
export function evidenceSentence ({ feature, value, usual, usualFrom, contribution }: FeatureEvidence, stepMs: number): { fact: string, usual: string, effect: string } {
  const words = featureWords(feature)
  return {
    fact: `${words.say(words.format(value))} in ${span(stepMs)}`,
    usual: `usual ${usualFrom === 'key' ? 'here' : 'elsewhere (no history of its own yet)'}: ${words.format(usual)}`,
    effect: `at its usual value the score would be ${Math.abs(contribution).toFixed(2)} ${contribution < 0 ? 'higher' : 'lower'}`,
  }
}

/** The first few of many, and how many more. */
export function few (names: readonly string[], most = 3): string {
  return names.length <= most + 1 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}

export const victimNames = ({ spec }: Mitigation): string => few(spec.victims.map(({ name, addresses, uid }) => name ?? addresses[0] ?? uid))

/** Whether it keeps one pod from everybody, and not from named victims. */
export const isIsolation = ({ policies }: Pick<Mitigation['spec'], 'policies'>): boolean => policies?.includes('isolation') === true

const OUT_OF = { services: ', taken out of its Services', 'owner-and-services': ', taken out of its Services and its ReplicaSet' } as const

type Restriction = Pick<Mitigation['spec'], 'action' | 'limit' | 'ports' | 'policies' | 'relabel' | 'node'>

/** What a mitigation does, as a participle: `limited to 1 connections/s on port 5432`. */
export function restriction ({ spec }: { readonly spec: Restriction }): string {
  const ports = spec.ports === 'any' ? '' : ` on port${spec.ports.length > 1 ? 's' : ''} ${spec.ports.join(', ')}`
  switch (spec.action) {
    case 'watch': return `watched${ports}, not restricted`
    case 'deny': return isIsolation(spec) ? `isolated: cut off both ways${spec.relabel === undefined ? '' : OUT_OF[spec.relabel]}` : `denied${ports}`
    case 'quarantine': return spec.node?.effect === 'NoExecute' ? 'closed to new pods, and emptied of those it has' : 'closed to new pods'
    case 'limit': return `limited${spec.limit === undefined ? '' : ` to ${number(spec.limit.value)} ${spec.limit.unit}`}${ports}`
  }
}

/** Whom it is restricted in front of, after its words; nothing for what restricts a pod or a node as a whole. */
export const towards = (mitigation: Mitigation): string => {
  const { spec } = mitigation
  return spec.victims.length === 0 || isIsolation(spec) || spec.node !== undefined ? '' : `, towards ${victimNames(mitigation)}`
}

/** What still gets through, in the words of whoever counted; null where nothing was seen to. */
export function stillThrough ({ status: { phase, conditions } }: Mitigation): string | null {
  const enforcing = conditions.find(({ type }) => type === 'Enforcing')
  return phase === 'active' && enforcing?.status === 'False' && enforcing.reason === 'AttemptsContinue' ? enforcing.message : null
}

/** What becomes of connections that were open: `open connections on port 80 go on until they end`. */
export function openConnectionsWords ({ ports, means, since }: OpenConnections): string {
  const which = `open connections${ports === undefined ? '' : ` on port${ports.length > 1 ? 's' : ''} ${ports.join(', ')}`}`
  switch (means) {
    case 'route': return `${which} are answered by the restriction`
    case 'sockets': return `${which} are cut: their sockets are destroyed`
    case 'chain': return `${which}${since === undefined ? '' : ` since ${since}`} are cut with their chain, older ones go on until they end`
    case 'none': return `${which} go on until they end`
  }
}

/** When something was, as seen from the beginning of an attack. */
export const apart = (beforeMs: number): string => beforeMs >= 0 ? `${span(beforeMs)} before` : `${span(-beforeMs)} after it began`
