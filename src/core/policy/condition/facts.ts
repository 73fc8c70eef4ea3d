import { FEATURES, KEY_KINDS, type FeatureName } from '../../window/window.ts'
import { WEEKDAYS } from '../time-zone.ts'

/** What a condition may ask about, with the values that are possible; a literal beyond them is a mistake of its author. */
export type FactType =
  | { readonly type: 'number', readonly min: number, readonly max: number, readonly about: string }
  | { readonly type: 'text', readonly values: readonly string[] | null, readonly about: string }

const amount = (about: string, max = Infinity): FactType => ({ type: 'number', min: 0, max, about })
const range = (min: number, max: number, about: string): FactType => ({ type: 'number', min, max, about })
const word = (about: string, values: readonly string[] | null = null): FactType => ({ type: 'text', values, about })

const ABOUT: Readonly<Record<FeatureName, FactType>> = {
  flow_count: amount('flows, each counted once a step'),
  bytes_sent: amount('payload bytes from source to target'),
  bytes_received: amount('payload bytes back'),
  syn_count: amount('TCP packets with SYN and without ACK'),
  ack_count: amount('TCP packets with ACK'),
  rst_count: amount('TCP packets with RST'),
  fin_count: amount('TCP packets with FIN'),
  duration_s: amount('mean age of the flows in seconds'),
  iat_mean_ms: amount('mean gap between the source\'s packets'),
  iat_std_ms: amount('spread of the gaps'),
  failed_conn_ratio: amount('failed of the decided attempts', 1),
  unique_ports: amount('distinct ports (pair), address and port (fan-out) or sources (fan-in), added over the steps'),
}

/** Every fact by name. `features.*` over the rule's window, `time.*` in the policy's zone. */
const FACTS: Readonly<Record<string, FactType>> = {
  ...Object.fromEntries(FEATURES.map((name) => [`features.${name}`, ABOUT[name]])),
  'time.hour': range(0, 23, 'hour of the day'),
  'time.minute': range(0, 59, 'minute of the hour'),
  'time.weekday': word('day of the week', WEEKDAYS),
  'time.day': range(1, 31, 'day of the month'),
  'time.month': range(1, 12, 'month of the year'),
  'detection.class': word('class of the detection'),
  'detection.kind': word('kind of its key', KEY_KINDS),
  'detection.confidence': amount('its peak probability', 1),
  'detection.count': amount('scored windows that support it'),
  'source.address': word('address of the source'),
  'source.namespace': word('namespace of the source\'s pod'),
  'source.name': word('name of the source\'s pod'),
  'target.address': word('address of the target'),
  'target.namespace': word('namespace of the target\'s pod'),
  'target.name': word('name of the target\'s pod'),
}

export const FACT_NAMES: readonly string[] = Object.keys(FACTS)

export function factType (name: string): FactType | null {
  return Object.hasOwn(FACTS, name) ? FACTS[name] ?? null : null
}
