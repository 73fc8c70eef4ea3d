import { afterAdmission, afterOutcome, CLOSED, opened, type Outcome } from './breaker.ts'
import type { SafetyRequest } from './safety.ts'
import type { SafetySettings } from './settings.ts'
import type { Breaker, Lane, Ledger, SafetyState } from './state.ts'

const MINUTE_MS = 60_000

/**
 * The ledger as it counts now. What has run out is left out. A time in the future comes from a clock that stepped back;
 * it counts as now, so that it runs out like any other instead of blocking for as long as the step was.
 */
export function currentLedger (ledger: Ledger, settings: SafetySettings, nowMs: number): Ledger {
  const { windowMs, regretWindowMs } = settings.breaker
  return {
    ...ledger,
    actions: recent(ledger.actions, MINUTE_MS, nowMs),
    failures: recentTimes(ledger.failures, windowMs, nowMs),
    regrets: recentTimes(ledger.regrets, regretWindowMs, nowMs),
    refusals: recent(ledger.refusals, windowMs, nowMs),
    breaker: clamped(ledger.breaker, nowMs),
    cooldowns: running(ledger.cooldowns, nowMs),
  }
}

/** The same list where nothing in it changes, as is nearly always so. */
function recent<T extends { readonly atMs: number }> (events: T[], spanMs: number, nowMs: number): T[] {
  if (events.every(({ atMs }) => atMs > nowMs - spanMs && atMs <= nowMs)) return events
  return events.map((event) => ({ ...event, atMs: Math.min(event.atMs, nowMs) })).filter(({ atMs }) => atMs > nowMs - spanMs)
}

function recentTimes (times: number[], spanMs: number, nowMs: number): number[] {
  return times.length === 0 ? times : times.map((atMs) => Math.min(atMs, nowMs)).filter((atMs) => atMs > nowMs - spanMs)
}

/** They stand in the order in which they end. */
function running (cooldowns: Ledger['cooldowns'], nowMs: number): Ledger['cooldowns'] {
  const first = cooldowns.findIndex(({ untilMs }) => untilMs > nowMs)
  return first === 0 ? cooldowns : first === -1 ? [] : cooldowns.slice(first)
}

/** Cooldowns of one list by their case, for a list never changes. */
const byCase = new WeakMap<Ledger['cooldowns'], ReadonlyMap<string, number>>()

/** Until when a case cools down, Unix ms; undefined where it does not. */
export function cooldownOf (cooldowns: Ledger['cooldowns'], name: string): number | undefined {
  const known = byCase.get(cooldowns) ?? new Map(cooldowns.map((cooldown) => [cooldown.case, cooldown.untilMs]))
  byCase.set(cooldowns, known)
  return known.get(name)
}

function clamped (breaker: Breaker, nowMs: number): Breaker {
  switch (breaker.state) {
    case 'closed': return breaker
    case 'open': return { ...breaker, untilMs: Math.min(breaker.untilMs, nowMs + breaker.openMs) }
    case 'half-open': return { ...breaker, trialSinceMs: Math.min(breaker.trialSinceMs, nowMs) }
  }
}

/** An action was let through. */
export function withAction (ledger: Ledger, { rule, source, target }: Pick<SafetyRequest, 'rule' | 'source' | 'target'>, settings: SafetySettings, nowMs: number): Ledger {
  return { ...ledger, actions: [...ledger.actions, { atMs: nowMs, rule, source, target }], breaker: afterAdmission(ledger.breaker, settings.breaker, nowMs) }
}

export function withCooldown (ledger: Ledger, name: string, untilMs: number, settings: SafetySettings): Ledger {
  const others = ledger.cooldowns.filter((cooldown) => cooldown.case !== name)
  const place = others.findIndex((cooldown) => cooldown.untilMs > untilMs)
  const cooldowns = others.toSpliced(place === -1 ? others.length : place, 0, { case: name, untilMs })
  const dropped = Math.max(0, cooldowns.length - settings.maxCooldowns)
  return { ...ledger, cooldowns: cooldowns.slice(dropped), droppedCooldowns: ledger.droppedCooldowns + dropped }
}

/** The rate limit refused a case. Each case counts once, for one detection asks again at every window. */
export function withRefusal (ledger: Ledger, name: string, settings: SafetySettings, nowMs: number): Ledger {
  if (ledger.breaker.state !== 'closed') return ledger
  const others = ledger.refusals.filter((refusal) => refusal.case !== name)
  const refusals = [...others, { case: name, atMs: nowMs }].slice(-settings.breaker.refusals)
  return refusals.length < settings.breaker.refusals ? { ...ledger, refusals } : { ...ledger, refusals: [], breaker: opened(settings.breaker, nowMs) }
}

/** A simulated action has no target that could refuse it: it succeeds as it is made. */
export function withSimulatedSuccess (ledger: Ledger): Ledger {
  return ledger.breaker.state === 'half-open' ? { ...ledger, failures: [], refusals: [], breaker: CLOSED } : ledger
}

/** Tells the breaker how an enforced action ended. */
export function recordOutcome (state: SafetyState, outcome: Outcome, settings: SafetySettings, nowMs: number): SafetyState {
  const lane: Lane = 'enforced'
  return { ...state, [lane]: afterOutcome(currentLedger(state[lane], settings, nowMs), outcome, settings.breaker, nowMs) }
}
