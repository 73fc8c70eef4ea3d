import type { Outlook } from '../../../core/plan/outlook.ts'
import type { Verdict } from '../../../core/policy/decision.ts'
import { fatesOf, leadingOption } from './plan.ts'
import { number } from './words.ts'

const IF_AGREED: Readonly<Record<Verdict, string>> = {
  mitigate: 'If you agree now, it is done.',
  simulate: 'If you agree now, it is simulated and nothing is restricted.',
  hold: 'If you agree now, it is held all the same.',
  alert: 'If you agree now, it is told and nothing is done.',
  suppress: 'If you agree now, nothing is done.',
}

/** What comes of a yes, in one sentence. */
export const verdictWords = ({ decision: { verdict } }: Outlook): string => IF_AGREED[verdict]

const connections = (count: number, what: string): string => `${number(count)} ${what} ${count === 1 ? 'connection' : 'connections'}`

/** What it would cut of the last hour, and what that costs. */
export function flowWords ({ flows }: Outlook): string {
  if (flows.state !== 'reckoned') return flows.state === 'unknown' ? `What it would cut cannot be told: ${flows.why}` : flows.why
  const option = flows.effect.options[leadingOption(flows.effect)]
  if (option === undefined) return 'No NetworkPolicy can carry it; the proxies carry it alone.'
  const [attack, cost, goesOn] = fatesOf(option).map((fate) => fate.connections)
  return `Of the last hour it would cut ${number(attack ?? 0)} ${attack === 1 ? 'connection' : 'connections'} of the attack and ${connections(cost ?? 0, 'legitimate')}; ${number(goesOn ?? 0)} of these pods would go on.`
}

/** Whose traffic it would change. */
export function touchWords ({ touches: { total, listed } }: Outlook): string {
  if (total === 0) return 'It changes no pod\'s traffic.'
  const named = listed.slice(0, 3).map(({ namespace, name }) => `${namespace}/${name}`)
  return `It changes the traffic of ${number(total)} ${total === 1 ? 'pod' : 'pods'}: ${named.join(', ')}${total > named.length ? ` and ${number(total - named.length)} more` : ''}.`
}
