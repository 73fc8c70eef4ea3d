import type { Halt } from '../../../core/safety/state.ts'
import { postJson } from '../model/live.ts'
import { Ask } from './ask.tsx'
import { Time } from './time.tsx'

/** The kill switch: a button while actions go on; who pulled it and why while they do not. */
export function Panic ({ halt, inForce }: { halt: Halt | null, inForce: number }) {
  return halt === null ? <Pull inForce={inForce} /> : <Pulled halt={halt} />
}

function Pull ({ inForce }: { inForce: number }) {
  return (
    <Ask
      label="Stop all actions" name="Stop all actions" kind="panic" title="Stop all new actions?" keep="Let them go on" confirm="Stop all actions" doing="Stopping …"
      submit={async (said, fields) => { await postJson('/panic', { ...said, undo: fields.get('undo') !== null }) }}
    >
      <p>Nothing new is done until somebody lets actions go on. AutoShield goes on to see, to decide and to alert.</p>
      <p class="check"><label><input type="checkbox" name="undo" /> Also undo what is in force now ({inForce})</label></p>
    </Ask>
  )
}

function Pulled ({ halt }: { halt: Halt }) {
  return (
    <section class="halted" aria-label="Kill switch">
      <p><b>All new actions are stopped</b> since <Time at={halt.at} /> by {halt.by}: {halt.reason}</p>
      <Ask
        label="Let actions go on" name="Let actions go on" kind="undo" title="Let actions go on?" keep="Not yet" confirm="Let actions go on" doing="Releasing …"
        submit={async (said) => { await postJson('/panic/end', said) }}
      >
        <p>What goes on is decided anew by the rules of now, and done.</p>
      </Ask>
    </section>
  )
}
