import { useEffect, useState } from 'preact/hooks'
import { call, Refusal } from '../model/live.ts'
import type { Wall } from '../model/wall.ts'

interface Policy { readonly source: string, readonly rules: readonly unknown[] }

const text = (rule: unknown, key: string): string => {
  const value: unknown = typeof rule === 'object' && rule !== null ? Reflect.get(rule, key) : undefined
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** The rules in force and what each has decided lately. */
export function PolicyPage ({ wall }: { wall: Wall }) {
  const [policy, setPolicy] = useState<Policy | { problem: string } | null>(null)
  useEffect(() => {
    call<Policy>('/policy').then(setPolicy, (error: unknown) => setPolicy({ problem: error instanceof Refusal ? error.message : String(error) }))
  }, [])
  if (policy === null) return <p class="empty">Asking for the policy …</p>
  if ('problem' in policy) return <p class="problem" role="alert">{policy.problem}</p>
  const decisions = [...wall.decisions.values()]
  return (
    <article>
      <h2>Policy <span class="count">{policy.rules.length} rules from <code>{policy.source}</code></span></h2>
      {policy.rules.length === 0 && <p class="empty">No rule is loaded, so detections only alert. Write one and check it by <code>npx autoshield policy validate FILE</code>.</p>}
      <ul class="rules">
        {policy.rules.map((rule, index) => {
          const name = text(rule, 'name') || text(rule, 'id') || `rule ${index + 1}`
          const its = decisions.filter((decision) => decision.rule === name)
          const acted = its.filter(({ verdict }) => verdict === 'mitigate' || verdict === 'simulate').length
          return (
            <li key={index}>
              <p class="verdict"><b>{name}</b><span>{text(rule, 'attack_class') || text(rule, 'attackClass')}</span><span class="count">{its.length} decisions, {acted} acted, {its.length - acted} held or quiet</span></p>
              <details class="yaml"><summary>As loaded</summary><pre tabIndex={0}>{JSON.stringify(rule, null, 2)}</pre></details>
            </li>
          )
        })}
      </ul>
    </article>
  )
}
