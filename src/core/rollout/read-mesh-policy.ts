import { Value } from 'typebox/value'
import { MeshPolicySpec } from './mesh-policy.ts'

export type ReadSpec =
  | { readonly ok: true, readonly spec: MeshPolicySpec }
  /** Each names the place, what is wrong there, and the mend. */
  | { readonly ok: false, readonly problems: readonly string[] }

const MAX_PROBLEMS = 10

/** The spec of a mesh policy as a person wrote it, with what was left out filled in. */
export function readMeshPolicySpec (value: unknown): ReadSpec {
  const filled: unknown = Value.Default(MeshPolicySpec, Value.Clone(value))
  if (!Value.Check(MeshPolicySpec, filled)) {
    const problems = [...Value.Errors(MeshPolicySpec, filled)].map(({ instancePath, message }) => `spec${instancePath.replaceAll('/', '.')}: ${message}`)
    return { ok: false, problems: [...new Set(problems)].slice(0, MAX_PROBLEMS) }
  }
  const problems = contradictions(filled)
  return problems.length === 0 ? { ok: true, spec: filled } : { ok: false, problems }
}

/** What the schema cannot say; the definition in the cluster says the same in CEL. */
function contradictions ({ restrictions }: MeshPolicySpec): string[] {
  const names = restrictions.map(({ name }) => name)
  return restrictions.flatMap(({ name, action, limit }, index) => [
    ...(names.indexOf(name) === index ? [] : [`spec.restrictions.${index}.name: "${name}" is there twice: give each restriction a name of its own`]),
    ...((limit === undefined) === (action === 'deny') ? [] : [`spec.restrictions.${index}.limit: ${action === 'deny' ? 'belongs to the action limit: take it out, or write action: limit' : 'the action limit needs one: add limit: { value, unit, burst }'}`]),
  ])
}
