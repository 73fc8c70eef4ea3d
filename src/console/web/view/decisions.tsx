import { REASONS } from '../../../core/reason.ts'
import type { Decision, Verdict } from '../../../core/policy/decision.ts'
import type { StationState } from '../model/trail.ts'
import { Mark } from './mark.tsx'
import { Time } from './time.tsx'
import { Yaml } from './yaml.tsx'

const VERDICT_STATE: Readonly<Record<Verdict, StationState>> = { mitigate: 'done', simulate: 'simulated', hold: 'broken', alert: 'none', suppress: 'none' }
const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  mitigate: 'mitigated', simulate: 'simulated', hold: 'held for a person', alert: 'alert only', suppress: 'no action',
}

/** What policy and safety made of a detection, every check in order. */
export function Decisions ({ decisions }: { decisions: readonly Decision[] }) {
  return (
    <section aria-labelledby="decisions-title">
      <h3 id="decisions-title">Decisions</h3>
      {decisions.length === 0 && <p class="empty">None yet. If no rule names this class, <a href="#/policy">the policy</a> is where to add one.</p>}
      <ul class="decisions">
        {decisions.map((decision) => (
          <li key={decision.id} class={decision.verdict}>
            <p class="verdict">
              <Mark state={VERDICT_STATE[decision.verdict]} />
              <b>{VERDICT_WORDS[decision.verdict]}</b>
              <span>{decision.rule === '' ? 'no rule' : `“${decision.rule}”`}{decision.action === null ? '' : `, ${decision.action}`}</span>
              <Time at={decision.at} />
            </p>
            <p>{decision.message} <span class="code" title={REASONS[decision.reason]}>{decision.reason}</span></p>
            {decision.safety.length > 0 && (
              <ul class="safety" aria-label="Safety checks">
                {decision.safety.map(({ check, passed, message }, index) => (
                  <li key={index} class={passed ? '' : 'failed'}><Mark state={passed ? 'done' : 'broken'} size={12} /><b>{check}</b><span>{message}</span></li>
                ))}
              </ul>
            )}
            {decision.mitigation === null && decision.plan.map(({ kind, yaml }, index) => <Yaml key={index} title={`${kind} that it would apply`} text={yaml} />)}
          </li>
        ))}
      </ul>
    </section>
  )
}
