import { Compile } from 'typebox/compile'
import { isRecord } from '../kubernetes/read-object.ts'
import type { Policy } from './rule.ts'
import { ThreatPolicySpec } from './threat-policy.ts'

const specCheck = Compile(ThreatPolicySpec)

export type Converted =
  | { readonly ok: true, readonly spec: ThreatPolicySpec }
  | { readonly ok: false, readonly problems: readonly string[] }

/**
 * A policy file as the spec of a ThreatPolicy: the rules as they are written (`written`, the file as a value), each with its
 * id, and without `ports` that are any. `policy` is the same file, parsed.
 */
export function toThreatPolicySpec (written: unknown, policy: Policy): Converted {
  const top = isRecord(written) ? written : {}
  const rules = top['rules'] ?? top['policies']
  const spec = {
    rules: (Array.isArray(rules) ? rules : []).map((rule: unknown, index) => {
      const { id } = policy.rules[index] ?? { id: '' }
      const { actions, ...rest } = isRecord(rule) ? rule : {}
      return { ...rest, id, actions: Array.isArray(actions) ? actions.map(typed) : actions }
    }),
  }
  if (specCheck.Check(spec)) return { ok: true, spec }
  return { ok: false, problems: [...specCheck.Errors(spec)].map(({ instancePath, message }) => `spec${instancePath.replaceAll('/', '.')}: ${message}`) }
}

/** A field of an object has one type, so ports that are any are left out, and so is a block without a parameter. */
function typed (action: unknown): unknown {
  if (!isRecord(action)) return action
  const { parameters, ...rest } = action
  if (!isRecord(parameters)) return rest
  const { ports, ...others } = parameters
  const kept = ports === 'any' || ports === undefined ? others : { ...others, ports }
  return Object.keys(kept).length === 0 ? rest : { ...rest, parameters: kept }
}
