import { Type, type Static } from 'typebox'
import type { ActionType } from '../policy/action-type.ts'
import { MaintenanceWindow } from './maintenance.ts'

const closed = { additionalProperties: false } as const
const count = (description: string, most = 10_000, least = 0) => Type.Integer({ minimum: least, maximum: most, description: `${description} A whole number from ${least} to ${most}.` })
const spanMs = (description: string) => Type.Integer({ minimum: 1_000, maximum: 86_400_000, description: `${description} Milliseconds, from 1000 to a day.` })
const names = (description: string, pattern: string) => Type.Array(Type.String({ minLength: 1, maxLength: 253, pattern }), { maxItems: 1_000, description })
const NAME = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'
const ADDRESS = '^[0-9a-fA-F:.]+$'

const Budgets = Type.Object({
  rule: count('Actions of one rule a minute.'),
  target: count('Actions for one victim a minute.'),
  source: count('Actions on one source a minute.'),
}, { ...closed, description: 'How many of the actions a minute one rule, one victim and one source may have, so that what goes wild leaves room for the rest.' })

const BreakerSettings = Type.Object({
  failures: count('This many failed actions within `windowMs` open it.', 10_000, 1),
  refusals: count('So do this many different cases that the rate limit refused within `windowMs`: a burst that no person has looked at.', 10_000, 1),
  windowMs: spanMs('How long failures and refusals count.'),
  regrets: count('So do this many actions that people undid, or that turned out harmful, within `regretWindowMs`.', 10_000, 1),
  regretWindowMs: spanMs('How long those count.'),
  openMs: spanMs('How long it stays open the first time; doubled by each failed trial, up to `maxOpenMs`.'),
  maxOpenMs: spanMs('The longest that it stays open.'),
  trialMs: spanMs('A trial without an outcome for this long makes room for the next one, so that a lost answer cannot keep it open.'),
}, { ...closed, description: 'The circuit breaker.' })
export type BreakerSettings = Readonly<Static<typeof BreakerSettings>>

/** Beside what is discovered. */
const ProtectedNames = Type.Object({
  namespaces: names('Names of namespaces.', NAME),
  pods: names('Pods, as NAMESPACE/NAME.', '^[a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9.]*$'),
  labels: Type.Record(Type.String(), Type.String(), { description: 'Pods with any of these labels, as key: value. Whoever can make pods can write labels: name one that only you give.' }),
  addresses: names('IP addresses, such as that of an API server outside.', ADDRESS),
}, { ...closed, description: 'What no restriction may touch, beside what is discovered.' })

/** What the operator decides about safety: one file, or nothing. */
export const SafetyFile = Type.Object({
  actionsPerMinute: count('Actions a minute, all rules together.'),
  budgets: Budgets,
  breaker: BreakerSettings,
  protected: ProtectedNames,
  maxShareOfWorkload: Type.Number({ minimum: 0, maximum: 1, description: 'The share of a workload\'s ready pods that may be restricted at a time, from 0 to 1; one may always be. More waits for a person.' }),
  maxShareOfTraffic: Type.Number({ minimum: 0, maximum: 1, description: 'The share of a namespace\'s conversations, those of the attack left out, that one action may cut, from 0 to 1. More waits for a person.' }),
  unfamiliarTraffic: Type.Enum(['hold', 'act'], { description: 'Whether a restriction waits for a person (hold) or not (act) where the traffic of a namespace is unlike what the model was trained on.' }),
  maintenance: Type.Array(MaintenanceWindow, { maxItems: 100, description: 'Windows in which restrictions wait or are only told: a list of name, days, from, to, zone, namespaces, effect.' }),
  sharedAddresses: names('Addresses that stand for many (NATs, gateways): alerted on, never restricted.', ADDRESS),
}, { $id: 'SafetyFile', ...closed })
export type SafetyFile = Readonly<Static<typeof SafetyFile>>

/** Whether an action can be carried out here, and if not, why. */
export type Capability = 'here' | 'needs-cluster' | 'not-allowed' | 'not-configured'

export interface SafetySettings extends SafetyFile {
  readonly actions: Readonly<Record<ActionType, Capability>>
  /** Off: everything is decided and nothing done (`ENABLE_ACTUATION=false`, `--simulate`). */
  readonly actuationEnabled: boolean
  /** Cooldowns kept at one time; beyond it the one that ends first is dropped and counted. */
  readonly maxCooldowns: number
}

/** The cluster's own: cutting them off would cut the path by which it could be undone. No setting takes them off the list. */
export const ALWAYS_PROTECTED_NAMESPACES = ['kube-system', 'kube-node-lease', 'kube-public'] as const

export const DEFAULT_SAFETY_FILE: SafetyFile = {
  actionsPerMinute: 10,
  budgets: { rule: 6, target: 6, source: 6 },
  breaker: { failures: 5, refusals: 20, windowMs: 60_000, regrets: 3, regretWindowMs: 3_600_000, openMs: 60_000, maxOpenMs: 900_000, trialMs: 30_000 },
  protected: { namespaces: [], pods: [], labels: {}, addresses: [] },
  maxShareOfWorkload: 0.5,
  maxShareOfTraffic: 0.5,
  unfamiliarTraffic: 'hold',
  maintenance: [],
  sharedAddresses: [],
}

/** What can be done where nobody set anything up. */
export const DEFAULT_ACTIONS: SafetySettings['actions'] = {
  network_policy: 'here',
  pod_isolation: 'here',
  traffic_throttle: 'here',
  pod_termination: 'needs-cluster',
  node_quarantine: 'needs-cluster',
  alert_only: 'here',
  custom_webhook: 'not-configured',
}

/** Actuation is off until somebody who has a cluster switches it on. */
export const DEFAULT_SAFETY_SETTINGS: SafetySettings = { ...DEFAULT_SAFETY_FILE, actions: DEFAULT_ACTIONS, actuationEnabled: false, maxCooldowns: 4096 }
