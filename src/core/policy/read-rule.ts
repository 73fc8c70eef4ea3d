import { CLASSES } from '../classes.ts'
import type { Condition } from './condition/condition.ts'
import type { Findings } from './findings.ts'
import { MAX_WINDOW_SECONDS, nearestWindows, stepFor } from './key-features.ts'
import { editDistance, mendWord } from './nearest.ts'
import { readAction } from './read-action.ts'
import { readCel, readCondition } from './read-condition.ts'
import { list, mapped, number, oneOf, optional, record, REFUSED, required, text, truth, type Place, type Reader } from './readers.ts'
import { AFTER_DEADLINE, APPROVALS_REQUIRED, DEFAULT_APPROVAL, type ApprovalRule } from '../safety/approval.ts'
import { ESCALATIONS } from '../mitigation/escalation-status.ts'
import { SEVERITIES, type Rule } from './rule.ts'

/** What a rule has that says nothing of it; the shipped policy documents them. */
export const RULE_DEFAULTS = {
  severity: 'medium', confidenceThreshold: 0.9, cooldownSeconds: 300, blastRadiusLimit: 5, windowSeconds: 60, ttlSeconds: 600, escalation: 'none',
} as const

const MAX_RULES = 500
const MAX_ACTIONS = 16
const ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const ID_MEND = 'Use letters, digits, dots, dashes and underscores, at most 63'

const readId: Reader<string> = (place, findings) => {
  const id = text(63, ID_MEND)(place, findings)
  if (id === REFUSED || ID.test(id)) return id
  findings.add(place.offset, place.path, `is the text ${JSON.stringify(id)}`, ID_MEND)
  return REFUSED
}

const readWindow: Reader<number> = (place, findings) => {
  const mend = `Write whole seconds from 1 to ${MAX_WINDOW_SECONDS}`
  const seconds = number(1, MAX_WINDOW_SECONDS, 'whole', mend)(place, findings)
  if (seconds === REFUSED || stepFor(seconds) !== null) return seconds
  findings.add(place.offset, place.path, `${seconds} s is no whole number of steps`, `Use ${nearestWindows(seconds).join(' or ')}`)
  return REFUSED
}

const seconds = (max: number, least = 0): Reader<number> => number(least, max, 'whole', `Write whole seconds from ${least} to ${max}`)
const DAY_S = 86_400
const ACTIONS_MEND = 'Add actions: and below it a list, such as - action_type: alert_only'
const CLASS_MEND = 'Add attack_class, such as PORT_SCAN'

/** Kept with its place, because whether the class is good depends on the condition. */
const readClass: Reader<{ name: string, place: Place }> = (place, findings) =>
  mapped(text(63, CLASS_MEND), (name) => ({ name, place }))(place, findings)

const readApproval: Reader<ApprovalRule> = (place, findings) => {
  const keys = record({
    required: optional(oneOf(APPROVALS_REQUIRED), DEFAULT_APPROVAL.required),
    deadline_seconds: optional(seconds(DAY_S, 1), DEFAULT_APPROVAL.deadlineSeconds),
    then: optional(oneOf(AFTER_DEADLINE), DEFAULT_APPROVAL.then),
  }, 'Write keys, such as required: always')(place, findings)
  return keys === REFUSED ? REFUSED : { required: keys.required, deadlineSeconds: keys.deadline_seconds, then: keys.then }
}

const readKeys = record({
  id: optional(readId, null),
  name: optional(text(200, 'Write a name for people'), null),
  description: optional(text(2000, 'Write what the rule is for'), ''),
  enabled: optional(truth, true),
  attack_class: required(readClass, CLASS_MEND),
  severity: optional(oneOf(SEVERITIES), RULE_DEFAULTS.severity),
  confidence_threshold: optional(number(0, 1, 'any', 'Write a probability from 0 to 1, such as 0.95, without quotes'), RULE_DEFAULTS.confidenceThreshold),
  cooldown_seconds: optional(seconds(DAY_S), RULE_DEFAULTS.cooldownSeconds),
  blast_radius_limit: optional(number(0, 10_000, 'whole', 'Write a whole number of pods from 0 to 10000'), RULE_DEFAULTS.blastRadiusLimit),
  approval: optional(readApproval, DEFAULT_APPROVAL),
  window: optional(readWindow, RULE_DEFAULTS.windowSeconds),
  ttl_seconds: optional(seconds(30 * DAY_S, 1), RULE_DEFAULTS.ttlSeconds),
  escalation: optional(oneOf(ESCALATIONS), RULE_DEFAULTS.escalation),
  condition: optional(readCondition, null),
  cel: optional<{ condition: Condition, place: Place } | null>((place, findings) => mapped(readCel, (condition) => ({ condition, place }))(place, findings), null),
  actions: required(list(readAction, 1, MAX_ACTIONS, ACTIONS_MEND), ACTIONS_MEND),
}, 'Write a rule as keys, such as attack_class: PORT_SCAN')

/** The list under `rules:`. `classes` are the model's; null where nobody knows them yet. */
export function readRules (classes: readonly string[] | null): Reader<readonly Rule[]> {
  return (place, findings) => {
    const taken = new Map<string, Rule>()
    return list(readRule(classes, taken), 0, MAX_RULES, 'Write a list of rules, each beginning with a dash')(place, findings)
  }
}

/** One rule; `taken` gains its id, so that the next one with the same id is refused. */
function readRule (classes: readonly string[] | null, taken: Map<string, Rule>): Reader<Rule> {
  return (place, findings) => {
    const keys = readKeys(place, findings)
    if (keys === REFUSED) return REFUSED
    const name = keys.name ?? keys.id ?? `${keys.attack_class.name} (rule ${taken.size + 1})`
    const rule: Rule = {
      id: keys.id ?? slug(name),
      name,
      description: keys.description,
      enabled: keys.enabled,
      attackClass: keys.attack_class.name,
      severity: keys.severity,
      confidenceThreshold: keys.confidence_threshold,
      cooldownSeconds: keys.cooldown_seconds,
      blastRadiusLimit: keys.blast_radius_limit,
      approval: keys.approval,
      windowSeconds: keys.window,
      ttlSeconds: keys.ttl_seconds,
      escalation: keys.escalation,
      condition: keys.cel?.condition ?? keys.condition,
      actions: keys.actions.map((draft) => draft(keys.severity)),
      line: findings.lineOf(place.offset),
    }
    if (keys.cel !== null && keys.condition !== null) findings.add(keys.cel.place.offset, keys.cel.place.path, 'stands beside "condition"', 'Keep one of the two; && joins what both say')
    checkClass(rule, classes, keys.attack_class.place, findings)
    const twin = taken.get(rule.id)
    if (twin === undefined) taken.set(rule.id, rule)
    else findings.add(place.offset, place.path, `has the id ${JSON.stringify(rule.id)} of the rule in line ${twin.line}`, 'Give each rule its own id or name')
    return rule
  }
}

/**
 * A class that the model does not know is the author's own, and its rule fires on the condition alone. Without a condition
 * it could never fire; with a name that differs from a known one by a slip it would fire on every key. Both are refused.
 */
function checkClass (rule: Rule, classes: readonly string[] | null, place: Place, findings: Findings): void {
  const attacks = (classes ?? CLASSES).filter((name) => name !== 'BENIGN')
  if (rule.attackClass === 'BENIGN') findings.add(place.offset, place.path, 'is BENIGN, which is no attack', `Use one of: ${attacks.join(', ')}`)
  if (rule.attackClass === 'BENIGN' || attacks.includes(rule.attackClass)) return
  const slip = attacks.find((name) => editDistance(name, rule.attackClass) <= 2)
  if (slip !== undefined) findings.add(place.offset, place.path, `is ${rule.attackClass}, which is nearly a class of the model`, `Write ${slip}, or a name that cannot be taken for it`)
  else if (rule.condition === null && classes !== null) findings.add(place.offset, place.path, `is ${rule.attackClass}, which the model does not know, so the rule could never fire`, `${mendWord(rule.attackClass, attacks)}, add a condition, or promote a model that knows it`)
}

/** Ids name cooldowns, owners and metrics. A name's id is its words joined by dashes. */
function slug (name: string): string {
  const words = name.toLowerCase().normalize('NFKD').replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '')
  return words.slice(0, 63).replace(/-+$/, '') || 'rule'
}
