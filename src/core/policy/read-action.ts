import { isScalar, YAMLMap } from 'yaml'
import type { Limit } from '../mitigation/mitigation.ts'
import { ACTION_TYPES, type ActionType } from './action-type.ts'
import { parseRate, RATE_MEND } from './rate.ts'
import { keysOf, list, mapped, number, oneOf, optional, placeOf, record, REFUSED, required, text, type Reader } from './readers.ts'
import { DIRECTIONS, SEVERITIES, type Action, type Ports, type Severity } from './rule.ts'
import { checkWebhookUrl } from './webhook-url.ts'

const PORTS_MEND = 'Write "any" or a list of ports from 1 to 65535, such as [22, 443]'
const portList = list(number(1, 65535, 'whole', PORTS_MEND), 1, 64, PORTS_MEND)

const readPorts: Reader<Ports> = (place, findings) => {
  if (!isScalar(place.node)) {
    const read = portList(place, findings)
    return read === REFUSED ? REFUSED : [...new Set(read)].sort((left, right) => left - right)
  }
  if (place.node.value === 'any') return 'any'
  findings.add(place.offset, place.path, `is ${JSON.stringify(place.node.value)}`, PORTS_MEND)
  return REFUSED
}

const readRate: Reader<Pick<Limit, 'value' | 'unit'>> = (place, findings) => {
  const written = text(40, RATE_MEND)(place, findings)
  if (written === REFUSED) return REFUSED
  const rate = parseRate(written)
  if (rate !== null) return rate
  findings.add(place.offset, place.path, `is the text ${JSON.stringify(written)}`, RATE_MEND)
  return REFUSED
}

const URL_MEND = 'Write an address such as "https://internal-api/alert"'

const readUrl: Reader<string> = (place, findings) => {
  const written = text(2000, URL_MEND)(place, findings)
  if (written === REFUSED) return REFUSED
  const checked = checkWebhookUrl(written)
  if (checked.ok) return written
  findings.add(place.offset, place.path, checked.message, checked.mend)
  return REFUSED
}

const BLOCK_MEND = 'Write the parameters as keys below it, or remove it'
const readDirection = oneOf(DIRECTIONS)
const ports = optional(readPorts, 'any')

/** An action that waits for its rule's severity: an alert is as urgent as its rule is severe, unless it says otherwise. */
export type ActionDraft = (severity: Severity) => Action

/** The closed set of parameters of each action type. */
const PARAMETERS: Readonly<Record<ActionType, Reader<ActionDraft>>> = {
  network_policy: mapped(record({
    // As it leaves the source: that touches the suspect alone.
    direction: optional(readDirection, 'egress'),
    ports,
  }, BLOCK_MEND), (given) => () => ({ type: 'network_policy', ...given })),
  pod_isolation: mapped(record({}, BLOCK_MEND), () => () => ({ type: 'pod_isolation' })),
  traffic_throttle: mapped(record({
    rate_limit: required(readRate, RATE_MEND),
    burst_seconds: optional(number(0.1, 60, 'any', 'Write how many seconds\' worth may pass at once, from 0.1 to 60'), 1),
    // As it enters the target: that is where a proxy stands.
    direction: optional(readDirection, 'ingress'),
    ports,
  }, BLOCK_MEND), (given) => () => ({
    type: 'traffic_throttle',
    direction: given.direction,
    ports: given.ports,
    limit: { ...given.rate_limit, burst: given.rate_limit.value * given.burst_seconds },
  })),
  pod_termination: mapped(record({
    grace_period_seconds: optional(number(0, 3600, 'whole', 'Write whole seconds from 0 to 3600'), 30),
  }, BLOCK_MEND), (given) => () => ({ type: 'pod_termination', gracePeriodSeconds: given.grace_period_seconds })),
  node_quarantine: mapped(record({
    effect: optional(oneOf(['NoSchedule', 'NoExecute']), 'NoSchedule'),
  }, BLOCK_MEND), (given) => () => ({ type: 'node_quarantine', ...given })),
  alert_only: mapped(record({
    channel: optional(text(100, 'Write the name of a channel, such as "soc_dashboard"'), 'default'),
    priority: optional(oneOf(SEVERITIES), null),
  }, BLOCK_MEND), (given) => (severity) => ({ type: 'alert_only', channel: given.channel, priority: given.priority ?? severity })),
  custom_webhook: mapped(record({
    url: required(readUrl, URL_MEND),
    method: optional(oneOf(['POST', 'PUT']), 'POST'),
  }, BLOCK_MEND), (given) => () => ({ type: 'custom_webhook', ...given })),
}

const readType = oneOf(ACTION_TYPES)

/** One entry of `actions`. `parameters` may be missing where every parameter has a default. */
export const readAction: Reader<ActionDraft> = (place, findings) => {
  const places = keysOf(place, ['action_type', 'parameters'], findings, 'Write an action as keys, such as action_type: alert_only')
  if (places === null) return REFUSED
  const typePlace = places.get('action_type')
  if (typePlace === undefined) {
    findings.add(place.offset, place.path, 'lacks "action_type"', `Add action_type: one of ${ACTION_TYPES.join(', ')}`)
    return REFUSED
  }
  const type = readType(typePlace, findings)
  const parameters = places.get('parameters') ?? placeOf(new YAMLMap(), `${place.path}.parameters`, place.offset)
  return type === REFUSED ? REFUSED : PARAMETERS[type](parameters, findings)
}
