import type { ThreatPolicyStatus } from '../../../core/policy/threat-policy.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { useFetched, usePages } from './fetched.ts'
import { Mark } from './mark.tsx'
import { Shown, ShownPages } from './shown.tsx'
import { Time } from './time.tsx'

interface Policy { readonly source: string, readonly rules: readonly unknown[] }

/** As `/threat-policies` tells it. */
interface ThreatPolicy { readonly metadata: { readonly name: string, readonly generation: number }, readonly spec: unknown, readonly status: ThreatPolicyStatus | null }

const text = (rule: unknown, ...keys: readonly string[]): string => {
  for (const key of keys) {
    const value: unknown = typeof rule === 'object' && rule !== null ? Reflect.get(rule, key) : undefined
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  }
  return ''
}

/** The rules in force, those of the file and those of the cluster, and what each has decided lately. */
export function PolicyPage ({ wall }: { wall: Wall }) {
  const policy = useFetched<Policy>('/policy')
  const pages = usePages<ThreatPolicy>('/threat-policies', wall.versions['threat-policies'])
  return (
    <article>
      <h2>Policy</h2>
      <Shown fetched={policy} what="the policy">
        {({ source, rules }) => (
          <>
            <h3 class="part">From the file <code>{source}</code> <span class="count">{rules.length === 1 ? '1 rule' : `${rules.length} rules`}</span></h3>
            {rules.length === 0 && <p class="empty">No rule is loaded from it. Write one and check it by <code>npx autoshield policy validate FILE</code>.</p>}
            <Rules rules={rules} wall={wall} />
          </>
        )}
      </Shown>
      <h3 class="part">From ThreatPolicies of the cluster</h3>
      <ShownPages pages={pages} what="threat policies" older="Show more">
        {(items) => items.length === 0
          ? <p class="empty">There is none. In a cluster <code>autoshield policy apply FILE</code> makes one; its rules come beside those of the file.</p>
          : <ul class="rules">{items.map((item) => <InCluster key={item.metadata.name} policy={item} wall={wall} />)}</ul>}
      </ShownPages>
    </article>
  )
}

function Rules ({ rules, wall }: { rules: readonly unknown[], wall: Wall }) {
  const decisions = [...wall.decisions.values()]
  return (
    <ul class="rules">
      {rules.map((rule, index) => {
        const name = text(rule, 'name', 'id') || `rule ${index + 1}`
        const its = decisions.filter((decision) => decision.rule === name)
        const acted = its.filter(({ verdict }) => verdict === 'mitigate' || verdict === 'simulate').length
        return (
          <li key={index}>
            <p class="verdict"><b>{name}</b><span>{text(rule, 'attack_class', 'attackClass')}</span><span class="count">{its.length} decisions, {acted} acted, {its.length - acted} held or quiet</span></p>
            <details class="yaml"><summary>As loaded</summary><pre tabIndex={0}>{JSON.stringify(rule, null, 2)}</pre></details>
          </li>
        )
      })}
    </ul>
  )
}

const rulesOf = (spec: unknown): readonly unknown[] => {
  const rules: unknown = typeof spec === 'object' && spec !== null ? Reflect.get(spec, 'rules') : undefined
  return Array.isArray(rules) ? rules : []
}

/** Where a threat policy stands: whether its newest words are understood, and whether older ones are in force instead. */
function standing (status: ThreatPolicyStatus | null, generation: number): { state: StationState, words: string } {
  if (status === null) return { state: 'waiting', words: 'not looked at yet' }
  const accepted = status.conditions.find(({ type }) => type === 'Accepted')
  if (accepted?.status === 'True') return { state: status.generation === generation ? 'done' : 'waiting', words: status.rules === 1 ? '1 rule in force' : `${status.rules} rules in force` }
  return { state: 'broken', words: status.rules > 0 ? 'cannot be understood; the rules from before stay in force' : 'cannot be understood; none of it is in force' }
}

function InCluster ({ policy: { metadata: { name, generation }, spec, status }, wall }: { policy: ThreatPolicy, wall: Wall }) {
  const { state, words } = standing(status, generation)
  const description = text(spec, 'description')
  return (
    <li class={state === 'broken' ? 'hold' : ''}>
      <p class="verdict"><Mark state={state} /><b>{name}</b><span>{words}</span></p>
      {description !== '' && <p>{description}</p>}
      {status !== null && status.problems.length > 0 && <ul class="problem" aria-label="Problems">{status.problems.map((problem) => <li key={problem}>{problem}</li>)}</ul>}
      {status !== null && status.problems.length === 0 && <ul class="safety" aria-label="Conditions">{status.conditions.map((each) => <li key={each.type} class={each.status === 'False' ? 'failed' : ''}><Mark state={each.status === 'True' ? 'done' : 'broken'} size={12} /><b>{each.type}</b><span>{each.message}</span><Time at={each.lastTransitionTime} /></li>)}</ul>}
      <Rules rules={rulesOf(spec)} wall={wall} />
    </li>
  )
}
