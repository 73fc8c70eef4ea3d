import type { AdmissionFinding } from '../admission/entry.ts'
import type { KubernetesObject, Namespace } from '../kubernetes/object.ts'
import type { ReasonCode } from '../reason.ts'
import type { PodProxy } from './pod-proxy.ts'
import type { InjectedSource, InjectionContext, PodSecurityLevel } from './settings.ts'

/** Why a pod is left as it is. */
export const SKIP_REASONS = [
  'PodOptedOut', 'NamespaceNotLabelled', 'NamespaceOptedOut', 'NamespaceExcluded', 'NamespaceUnknown', 'OtherRevision', 'HostNetwork', 'StaticPod',
  'OtherSystem', 'AlreadyInjected', 'NameTaken', 'PodSecurity', 'BadAnnotation', 'WouldNotEnd',
  'MalformedPod', 'NotReady', 'TooLarge',
] as const satisfies readonly ReasonCode[]
export type SkipReason = (typeof SKIP_REASONS)[number]

/** How the observer is added, and by which right. */
export interface InjectionProfile {
  readonly source: InjectedSource
  /** The level that the choice rests on. */
  readonly level: PodSecurityLevel
  readonly form: 'native' | 'container'
  /** Why this source and not a better one, in one sentence. */
  readonly why: string
  /** The Envoy beside the observer; absent where there is none. */
  readonly proxy?: PodProxy
}

export type InjectionDecision =
  | { readonly kind: 'inject', readonly reason: 'Injected' | 'Repaired', readonly profile: InjectionProfile, readonly decidedBy: string, readonly findings: readonly AdmissionFinding[] }
  | { readonly kind: 'skip', readonly reason: SkipReason, readonly message: string, readonly mend: string, readonly decidedBy: string, readonly findings: readonly AdmissionFinding[] }

/** `decidedBy` names the label, annotation or field that settled it: `namespace label autoshield.dev/injection=enabled`. */
export type DecideInjection = (request: { readonly pod: KubernetesObject, readonly namespace: Namespace | null }, context: InjectionContext) => InjectionDecision
