import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { postJson } from '../model/live.ts'
import { isIsolation, restriction, subjectName, victimNames } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { Simulated } from './mark.tsx'
import { useTargetName } from './pod-names.ts'

/** Undo of one mitigation. */
export function Undo ({ mitigation }: { mitigation: Mitigation }) {
  const { metadata: { name }, spec, status } = mitigation
  return (
    <Ask
      label="Undo" name={`Undo: ${subjectName(spec)} ${restriction(mitigation)}`} kind="undo" title="Undo this restriction?"
      keep="Keep it" confirm="Undo restriction" doing="Undoing …"
      submit={async (said) => { await postJson(`/mitigations/${encodeURIComponent(name)}/revert`, said) }}
    >
      <p><b>{subjectName(spec)}</b> {status.simulated ? 'would be' : 'is'} {restriction(mitigation)}. {status.simulated && <Simulated />}</p>
      <p>{status.undo}</p>
      <Touched mitigation={mitigation} />
    </Ask>
  )
}

function Touched ({ mitigation }: { mitigation: Mitigation }) {
  const { targets } = mitigation.status
  const targetName = useTargetName()
  if (targets.length === 0) return <p class="touches">It touches nothing that is enforced; the record is closed.</p>
  return (
    <div class="touches">
      <p>It touches {targets.length} object{targets.length === 1 ? '' : 's'} {place(mitigation)}:</p>
      <ul>{targets.map(({ target, state }) => <li key={target}>{targetName(target)} ({state})</li>)}</ul>
    </div>
  )
}

function place ({ spec, ...rest }: Mitigation): string {
  if (spec.node !== undefined) return `of node ${spec.node.name}`
  const victims = isIsolation(spec) ? '' : victimNames({ spec, ...rest })
  return `in front of ${victims === '' ? 'the pod itself' : victims}`
}
