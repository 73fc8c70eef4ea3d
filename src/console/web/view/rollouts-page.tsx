import { gatesOf, type Gate } from '../../../core/rollout/gates.ts'
import { compare, isAtTarget, isEnforcing, ladderOf, nameOf, nextOf, topOf } from '../../../core/rollout/ladder.ts'
import type { MeshPolicy, PodSelector, Position } from '../../../core/rollout/mesh-policy.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { classWords, restriction } from '../model/words.ts'
import { Mark } from './mark.tsx'
import { Time } from './time.tsx'

/** Every mesh policy: how far it has come, what the next step needs and has, why it is held, and how it came here. */
export function RolloutsPage ({ wall, now }: { wall: Wall, now: number }) {
  const policies = [...wall.rollouts.values()].sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)
  const held = policies.filter(({ status }) => status.hold !== undefined).length
  return (
    <article>
      <h2>Rollouts <span class="count">{policies.length === 1 ? '1 mesh policy' : `${policies.length} mesh policies`}, {held} held</span></h2>
      {policies.length === 0 && <p class="empty">There is no mesh policy. Make one by <code>autoshield rollout apply -f FILE</code>, or in a cluster with kubectl.</p>}
      <ul class="rules rollouts">{policies.map((policy) => <Rollout key={policy.metadata.name} policy={policy} now={now} />)}</ul>
    </article>
  )
}

function Rollout ({ policy, now }: { policy: MeshPolicy, now: number }) {
  const { metadata: { name }, spec, status } = policy
  const waits = status.conditions.find(({ type }) => type === 'Progressing')
  return (
    <li class={status.hold === undefined ? 'rollout' : 'rollout hold'}>
      <div>
        <h3>{name} <span class="count">{nameOf(status)}</span></h3>
        <p>In front of {scopeWords(spec.scope)}: {spec.restrictions.map(({ class: attack, action, limit, ports, sources }) => `${classWords(attack).title}${sources === undefined ? '' : ` from ${scopeWords(sources)}`} ${restriction({ spec: { action, ports: ports ?? 'any', ...(limit !== undefined && { limit }) } })}`).join('; ')}.</p>
      </div>
      <Ladder policy={policy} />
      {status.hold === undefined
        ? waits !== undefined && <p class="empty">{waits.message}</p>
        : <p class="problem"><b>Held by {status.hold.by} since <Time at={status.hold.at} /></b> <span class="code">{status.hold.reason}</span> {status.hold.message}</p>}
      <Gates policy={policy} now={now} />
      <p class="empty">Steer it by {(status.hold === undefined ? ['pause', 'promote', 'undo'] : ['resume', 'promote', 'undo']).map((command, index) => <>{index > 0 && ', '}<code>autoshield rollout {command} {name} --reason "…"</code></>)}.</p>
      <History policy={policy} />
    </li>
  )
}

const DOES: Readonly<Record<Position['stage'], string>> = { observe: 'tells only', shadow: 'counts what it would stop', canary: 'enforced at some pods', enforce: 'enforced at all pods' }

function Ladder ({ policy: { spec, status } }: { policy: MeshPolicy }) {
  const known = ladderOf(spec)
  // Somebody may have changed the shares under a canary: where it is, is a rung all the same.
  const rungs = known.some((rung) => compare(rung, status) === 0) ? known : [...known, { stage: status.stage, share: status.share }].sort(compare)
  const target = topOf(known, spec.target)
  return (
    <ol class="trail ladder" aria-label="Stages">
      {rungs.map((rung) => {
        const way = compare(rung, status)
        const state: StationState = way < 0 ? 'done' : way === 0 ? status.hold === undefined ? 'done' : 'broken' : compare(rung, target) > 0 ? 'none' : 'waiting'
        return (
          <li key={nameOf(rung)} class={way === 0 ? `${state} here` : state} aria-current={way === 0 ? 'step' : undefined}>
            <Mark state={state} size={20} />
            <span class="name">{nameOf(rung)}</span>
            <span class="when">{way === 0 ? <>here since <Time at={status.since} /></> : state === 'none' ? 'not asked for' : '\u00a0'}</span>
            <span class="note">{DOES[rung.stage]}</span>
          </li>
        )
      })}
    </ol>
  )
}

const GATE: Readonly<Record<Gate['state'], { readonly mark: StationState, readonly word: string }>> = {
  met: { mark: 'done', word: 'met' }, missing: { mark: 'waiting', word: 'not met' }, trouble: { mark: 'broken', word: 'not met' },
}

function Gates ({ policy, now }: { policy: MeshPolicy, now: number }) {
  const next = isAtTarget(policy.spec, policy.status) ? null : nextOf(ladderOf(policy.spec), policy.status)
  const gates = gatesOf(policy, now)
  return (
    <div>
      <h4>{next === null ? `Seen at its target${isEnforcing(policy.status) ? ', in the last hour' : ''}` : `Before ${nameOf(next)}: ${gates.filter(({ state }) => state === 'met').length} of ${gates.length} met`}</h4>
      <ul class="safety gates">
        {gates.map(({ name, state, figure }) => (
          <li key={name} class={state === 'trouble' ? 'failed' : state}><Mark state={GATE[state].mark} /><b>{name}: {GATE[state].word}</b><span>{figure}</span></li>
        ))}
      </ul>
    </div>
  )
}

function History ({ policy: { status: { history } } }: { policy: MeshPolicy }) {
  if (history.length === 0) return null
  return (
    <details open>
      <summary>History</summary>
      <ul class="safety">
        {history.map(({ at, actor, from, to, reason, message }) => <li key={`${at}${from}${to}`}><Time at={at} /><b>{from} → {to}</b><span>{actor}: <span class="code">{reason}</span> {message}</span></li>)}
      </ul>
    </details>
  )
}

function scopeWords ({ namespaces, labels }: PodSelector): string {
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return `${named.length === 0 ? 'all pods' : `pods with ${named.join(', ')}`}${namespaces.length === 0 ? '' : ` in ${namespaces.join(', ')}`}`
}
