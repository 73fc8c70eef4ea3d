import { useState } from 'preact/hooks'
import type { Outlook } from '../../../core/plan/outlook.ts'
import type { Decision } from '../../../core/policy/decision.ts'
import { flowWords, touchWords, verdictWords } from '../model/outlook.ts'
import type { Wall } from '../model/wall.ts'
import { useFetched } from './fetched.ts'
import { EffectPicture } from './plan-picture.tsx'
import { Shown } from './shown.tsx'
import { Time } from './time.tsx'

const pathOf = ({ id }: Decision): string => `/decisions/${encodeURIComponent(id)}/outlook`

/** In a few sentences what a yes would do, fetched when it is shown. */
export function OutlookWords ({ decision }: { decision: Decision }) {
  const outlook = useFetched<Outlook>(pathOf(decision))
  return <Shown fetched={outlook} what="what a yes would do">{(told) => <Words outlook={told} />}</Shown>
}

function Words ({ outlook }: { outlook: Outlook }) {
  const { decision, expiresAt, undo } = outlook
  return (
    <div class="touches">
      <p><b>{verdictWords(outlook)}</b> {decision.verdict !== 'mitigate' && decision.message}</p>
      <p>{flowWords(outlook)}</p>
      <p>{touchWords(outlook)} {expiresAt !== null && <>It ends by itself at <Time at={expiresAt} />.</>}</p>
      <p>To take it back: {undo}</p>
    </div>
  )
}

/** What a yes would do, with every flow, before anybody says it. */
export function OutlookPicture ({ decision, wall }: { decision: Decision, wall: Wall }) {
  const [asked, setAsked] = useState(0)
  const outlook = useFetched<Outlook>(pathOf(decision), asked)
  const what = `${decision.action ?? ''} by ${decision.rule}`
  return (
    <section class="plan outlook" aria-label={`What a yes would do: ${what}`}>
      <h4>What a yes would do <button type="button" class="small" onClick={() => setAsked(asked + 1)}>Reckon again</button></h4>
      <Shown fetched={outlook} what="what a yes would do">
        {(told) => <><Words outlook={told} />{told.flows.state === 'reckoned' && <EffectPicture effect={told.flows.effect} of={what} wall={wall} />}</>}
      </Shown>
    </section>
  )
}
