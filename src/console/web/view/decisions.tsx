import { REASONS } from '../../../core/reason.ts'
import type { Decision, Verdict } from '../../../core/policy/decision.ts'
import { checkState, type StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { Approval } from './approval.tsx'
import { Mark } from './mark.tsx'
import { OutlookPicture } from './outlook.tsx'
import { Time } from './time.tsx'
import { Yaml } from './yaml.tsx'

const VERDICT_STATE: Readonly<Record<Verdict, StationState>> = { mitigate: 'done', simulate: 'simulated', hold: 'broken', alert: 'none', suppress: 'none' }
const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  mitigate: 'mitigated', simulate: 'simulated', hold: 'held for a person', alert: 'alert only', suppress: 'no action',
}

type Check = Decision['safety'][number]

function Checks ({ checks }: { checks: readonly Check[] }) {
  if (checks.length === 0) return null
  return (
    <ul class="safety" aria-label="Safety checks">
      {checks.map((check, index) => (
        <li key={index} class={checkState(check) === 'broken' ? 'failed' : ''}><Mark state={checkState(check)} size={12} /><b>{check.check}</b><span>{check.message}</span></li>
      ))}
    </ul>
  )
}

/** A few are shown as they are; of many, what held is one line until somebody asks. */
function Passed ({ checks }: { checks: readonly Check[] }) {
  if (checks.length <= 5) return <Checks checks={checks} />
  return <details class="yaml"><summary>{checks.length} safety checks passed</summary><Checks checks={checks} /></details>
}

/** What policy and safety made of a detection, every check in order. */
export function Decisions ({ decisions, wall, now }: { decisions: readonly Decision[], wall: Wall, now: number }) {
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
            <Approval decision={decision} now={now} />
            {decision.approval?.state === 'waiting' && <OutlookPicture decision={decision} wall={wall} />}
            <Checks checks={decision.safety.filter(({ passed }) => !passed)} />
            <Passed checks={decision.safety.filter(({ passed }) => passed)} />
            {decision.mitigation === null && decision.plan.map(({ kind, yaml }, index) => <Yaml key={index} title={`${kind} as planned`} text={yaml} />)}
          </li>
        ))}
      </ul>
    </section>
  )
}
