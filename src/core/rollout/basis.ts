import { canonicalJson } from '../canonical-json.ts'
import { hashText } from '../flow/hash.ts'
import type { MeshPolicy, MeshPolicySpec, RestrictionTemplate } from './mesh-policy.ts'

/** 64 bits in hex. No defence against whoever looks for two that are equal: who may write a policy may promote it, too. */
function hashOf (value: unknown): string {
  const text = canonicalJson(value)
  return [hashText(text, 0), hashText(text, 0x9e3779b9)].map((half) => half.toString(16).padStart(8, '0')).join('')
}

/** What the evidence of a rollout speaks of: whom it restricts, and how. How carefully it is brought in is no part of it. */
export const basisOf = ({ scope, restrictions }: Pick<MeshPolicySpec, 'scope' | 'restrictions'>): string => hashOf({ scope, restrictions })

/** Whether what was seen in the present step is of what the policy asks for now. */
export const isCurrent = ({ spec, status }: { readonly spec: MeshPolicySpec, readonly status: Pick<MeshPolicy['status'], 'basis'> }): boolean => status.basis === basisOf(spec)

/** The same for restrictions that do the same. Mitigations carry it in this annotation. */
export const templateHash = (template: RestrictionTemplate): string => hashOf(template)
export const TEMPLATE_ANNOTATION = 'autoshield.dev/template'
