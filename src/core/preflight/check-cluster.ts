import { FORCED_NATIVE_SIDECAR_MINOR, NATIVE_SIDECAR_MINOR } from '../injection/settings.ts'
import { type Finding, ok, orOk, problem, warning } from './finding.ts'

/** matchConditions are on by default from this minor version of 1 on; an older API server drops them without a word. */
const MATCH_CONDITIONS_MINOR = 28

export function checkVersion ({ major, minor }: { readonly major: number, readonly minor: number }): Finding {
  const version = `Kubernetes ${major}.${minor}`
  if (major === 1 && minor < MATCH_CONDITIONS_MINOR) return problem('KubernetesVersion', `${version} does not know the matchConditions of webhooks, so AutoShield would be asked about what it must leave alone.`, `Upgrade to 1.${NATIVE_SIDECAR_MINOR} or later.`)
  if (major === 1 && minor >= FORCED_NATIVE_SIDECAR_MINOR && minor < NATIVE_SIDECAR_MINOR) return warning('KubernetesVersion', `${version} may have nodes without native sidecars: unless the setting sidecar says native, observers are ordinary containers and the pods of Jobs are left alone, because they would not end.`, `Upgrade to 1.${NATIVE_SIDECAR_MINOR} or later, or set sidecar: native if every kubelet is 1.${FORCED_NATIVE_SIDECAR_MINOR} or later.`)
  if (major === 1 && minor < FORCED_NATIVE_SIDECAR_MINOR) return warning('KubernetesVersion', `${version} has no native sidecars: observers are ordinary containers, and the pods of Jobs are left alone, because they would not end.`, `Upgrade to 1.${NATIVE_SIDECAR_MINOR} or later.`)
  return ok('KubernetesVersion', `${version} has native sidecars.`)
}

/** A right that somebody lacks. */
export interface MissingRight {
  /** `you`, or a service account. */
  readonly who: string
  readonly verb: string
  /** As RBAC calls it: `deployments.apps`, or a path. */
  readonly resource: string
  /** Empty for the whole cluster. */
  readonly namespace: string
}

export function checkRights (missing: readonly MissingRight[], asked: number): readonly Finding[] {
  const subjects = [...new Set(missing.map(({ who }) => who))]
  const findings = subjects.map((who) => {
    const rights = missing.filter((right) => right.who === who).map(({ verb, resource, namespace }) => `${verb} ${resource}${namespace === '' ? '' : ` in ${namespace}`}`)
    const message = `${who === 'you' ? 'You may not' : `The service account ${who} may not`} ${rights.slice(0, 6).join(', ')}${rights.length > 6 ? ` and ${rights.length - 6} more` : ''}.`
    return problem('Permissions', message, who === 'you' ? 'Install with the rights of a cluster administrator, or have these granted.' : 'Apply the roles of the chart again: helm upgrade, or deploy/chart/templates/rbac.yaml.')
  })
  return orOk(findings, 'Permissions', `${asked} rights were asked for, and all are there.`)
}
