import type { Decision } from '../../../core/policy/decision.ts'
import { postJson } from '../model/live.ts'
import { remaining } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { OutlookWords } from './outlook.tsx'
import { Time } from './time.tsx'

const THEN = { suppress: 'nothing is done', alert: 'it is told and not done', mitigate: 'it is done' } as const
const ENDED = { approved: 'approved', rejected: 'rejected', lapsed: 'not answered in time', withdrawn: 'withdrawn' } as const

/** What waits for a person, with the two answers; or how it was answered. */
export function Approval ({ decision, now }: { decision: Decision, now: number }) {
  const { approval } = decision
  if (approval === undefined) return null
  if (approval.state !== 'waiting') {
    return <p class="empty">{ENDED[approval.state]}{approval.by !== undefined && ` by ${approval.by}`}{approval.at !== undefined && <>, <Time at={approval.at} /></>}{approval.why !== undefined && `: ${approval.why}`}</p>
  }
  return (
    <div class="act approval">
      <span>Waits for a person: <b>{remaining(Date.parse(approval.deadline) - now)}</b> left, until <Time at={approval.deadline} />; then {THEN[approval.then]}.</span>
      <Answer decision={decision} answer="approve" label="Approve" keep="Not yet" title="Let this be done?" confirm="Approve" />
      <Answer decision={decision} answer="reject" label="Reject" keep="Not yet" title="Say no to this?" confirm="Reject" />
    </div>
  )
}

interface AnswerProps { decision: Decision, answer: 'approve' | 'reject', label: string, keep: string, title: string, confirm: string }

function Answer ({ decision, answer, label, keep, title, confirm }: AnswerProps) {
  return (
    <Ask
      label={label} name={`${label}: ${decision.action ?? ''} by ${decision.rule}`} kind={answer} title={title} keep={keep} confirm={confirm} doing="Answering …"
      submit={async (said) => { await postJson(`/decisions/${encodeURIComponent(decision.id)}/${answer}`, said) }}
    >
      <p><b>{decision.action}</b> by rule “{decision.rule}”. {decision.message}</p>
      {answer === 'approve'
        ? <><OutlookWords decision={decision} /><p>Safety is asked again with the state of now: what is protected, forged or stopped stays undone.</p></>
        : <p>Nothing is done, and for this detection it is not asked again.</p>}
    </Ask>
  )
}
