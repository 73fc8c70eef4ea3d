import { Type, type Static } from 'typebox'
import { admits, admitsAtMs } from './breaker.ts'
import { currentLedger } from './ledger.ts'
import type { SafetySettings } from './settings.ts'
import type { Lane, Ledger, SafetyState } from './state.ts'

const closed = { additionalProperties: false } as const
const count = (description: string) => Type.Integer({ minimum: 0, description })
const time = (description: string) => Type.String({ format: 'date-time', description })

/** Rules, victims or sources of which a lane tells. */
const MAX_LISTED = 100

const Budget = Type.Object({
  name: Type.String({ description: 'Id of the rule, or address.' }),
  used: count('Actions in the last minute.'),
}, closed)
const Budgets = Type.Object({
  most: count('As many as one may have a minute.'),
  listed: Type.Array(Budget, { description: `Those with an action in the last minute, the most used first; the first ${MAX_LISTED}.` }),
}, closed)
const Counted = Type.Object({ counted: count('So many count now.'), opensAt: count('With so many it opens.'), withinMs: count('How long each counts.') }, closed)

export const BreakerStanding = Type.Union([
  Type.Object({ state: Type.Literal('closed') }, { ...closed, description: 'Actions pass.' }),
  Type.Object({ state: Type.Literal('open'), until: time('Until then nothing new is done; the next action is the trial.') }, closed),
  Type.Object({ state: Type.Literal('half-open'), trial: Type.Literal('awaited') }, { ...closed, description: 'The next action is let through as the trial.' }),
  Type.Object({
    state: Type.Literal('half-open'), trial: Type.Literal('under-way'), since: time('When the trial was let through.'), nextAt: time('When another is let through, where this one has no outcome.'),
  }, { ...closed, description: 'One action was let through; its success closes the circuit, its failure opens it for twice as long.' }),
])
export type BreakerStanding = Static<typeof BreakerStanding>

const LaneStanding = Type.Object({
  breaker: BreakerStanding,
  failures: Counted,
  refusals: Counted,
  regrets: Counted,
  actions: Type.Object({ used: count('Actions in the last minute.'), most: count('All rules together, a minute.') }, closed),
  rules: Budgets,
  victims: Budgets,
  sources: Budgets,
  coolingDown: count('Cases that were acted on and are left alone for a while.'),
}, closed)
export type LaneStanding = Static<typeof LaneStanding>

/** What is used up of what may be done, now. */
export const SafetyStanding = Type.Object({
  actuation: Type.Enum(['on', 'off'], { description: 'off: everything is decided and nothing done.' }),
  enforced: LaneStanding,
  simulated: LaneStanding,
}, { $id: 'SafetyStanding', ...closed, description: 'Budgets and circuit breaker, apart for what is done and for what is simulated.' })
export type SafetyStanding = Static<typeof SafetyStanding>

export function standingOf (state: SafetyState, settings: SafetySettings, nowMs: number): SafetyStanding {
  const lane = (name: Lane): LaneStanding => laneOf(currentLedger(state[name], settings, nowMs), settings, nowMs)
  return { actuation: settings.actuationEnabled ? 'on' : 'off', enforced: lane('enforced'), simulated: lane('simulated') }
}

function laneOf (ledger: Ledger, settings: SafetySettings, nowMs: number): LaneStanding {
  const { breaker, budgets, actionsPerMinute } = settings
  return {
    breaker: breakerOf(ledger, settings, nowMs),
    failures: { counted: ledger.failures.length, opensAt: breaker.failures, withinMs: breaker.windowMs },
    refusals: { counted: ledger.refusals.length, opensAt: breaker.refusals, withinMs: breaker.windowMs },
    regrets: { counted: ledger.regrets.length, opensAt: breaker.regrets, withinMs: breaker.regretWindowMs },
    actions: { used: ledger.actions.length, most: actionsPerMinute },
    rules: budgetOf(ledger, 'rule', budgets.rule),
    victims: budgetOf(ledger, 'target', budgets.target),
    sources: budgetOf(ledger, 'source', budgets.source),
    coolingDown: ledger.cooldowns.length,
  }
}

/** `*` stands for many and is nobody's budget. */
function budgetOf ({ actions }: Ledger, whose: 'rule' | 'target' | 'source', most: number): Static<typeof Budgets> {
  const used = new Map<string, number>()
  for (const { [whose]: name } of actions) if (name !== '*') used.set(name, (used.get(name) ?? 0) + 1)
  const listed = [...used].map(([name, times]) => ({ name, used: times })).sort((one, other) => other.used - one.used || (one.name < other.name ? -1 : 1)).slice(0, MAX_LISTED)
  return { most, listed }
}

/**
 *     kept      | admits now | told
 *     closed    | pass       | closed
 *     open      | refuse     | open, until when
 *     open      | trial      | half-open, the trial awaited
 *     half-open | refuse     | half-open, the trial under way
 *     half-open | trial      | half-open, the trial awaited: the last one has no outcome
 */
function breakerOf ({ breaker }: Ledger, { breaker: settings }: SafetySettings, nowMs: number): BreakerStanding {
  const iso = (ms: number): string => new Date(ms).toISOString()
  if (breaker.state === 'closed') return { state: 'closed' }
  if (admits(breaker, settings, nowMs) === 'trial') return { state: 'half-open', trial: 'awaited' }
  const atMs = admitsAtMs(breaker, settings) ?? nowMs
  return breaker.state === 'open' ? { state: 'open', until: iso(atMs) } : { state: 'half-open', trial: 'under-way', since: iso(breaker.trialSinceMs), nextAt: iso(atMs) }
}
