import { finding, named, type Rule } from '../change.ts'
import { fieldsAt, isSet, listAt, textAt, textsAt, valueAt } from '../field.ts'
import { containersOf, templatesOf, volumesOf, type PodTemplate } from '../pod-template.ts'
import type { FindingCode } from '../../../src/core/admission/finding.ts'

/** Findings that tell of what a pod may do; they belong to whoever wrote its template. */
export const POD_POWER_CODES = ['PrivilegedPod', 'HostPath', 'DangerousCapability', 'NewSecretMount'] as const satisfies readonly FindingCode[]
type PodPowerCode = (typeof POD_POWER_CODES)[number]

/** One power of a pod: what it is, where it stands. Equal text before and after a change is no news. */
type Power = readonly [code: PodPowerCode, where: string]

/** Each alone is enough to leave the container, or to read what the node's other pods do (capabilities(7)). */
const DANGEROUS: ReadonlySet<string> = new Set([
  'ALL', 'SYS_ADMIN', 'SYS_MODULE', 'SYS_PTRACE', 'SYS_RAWIO', 'SYS_BOOT', 'DAC_READ_SEARCH', 'BPF', 'PERFMON', 'NET_ADMIN', 'MAC_ADMIN', 'SYSLOG',
])

const MENDS: Readonly<Record<PodPowerCode, string>> = {
  PrivilegedPod: 'set it to false, or run the pod in a namespace that is meant for it',
  HostPath: 'use an emptyDir or a PersistentVolumeClaim, or run the pod in a namespace that is meant for it',
  DangerousCapability: 'drop it, or run the pod in a namespace that is meant for it',
  NewSecretMount: 'check that this workload is meant to read it',
}
const WHATS: Readonly<Record<PodPowerCode, string>> = {
  PrivilegedPod: 'the pod shares its node\'s kernel or namespaces',
  HostPath: 'the pod reaches files of its node',
  DangerousCapability: 'a container gets a capability that reaches its node',
  NewSecretMount: 'the pod reads a Secret for the first time',
}

/** Powers that a change adds: what was there before is on the record of whoever brought it. */
export const podPower: Rule = (change) => {
  if (change.operation !== 'CREATE' && change.operation !== 'UPDATE') return []
  const templates = templatesOf(change)
  if (templates === null) return []
  const known = new Set(templates.before === null ? [] : powersOf(templates.before).map(([code, where]) => `${code} ${where}`))
  const news = powersOf(templates.after).filter(([code, where]) => !known.has(`${code} ${where}`))
  return POD_POWER_CODES.flatMap((code) => {
    const places = news.filter(([found]) => found === code).map(([, where]) => where)
    return places.length === 0 ? [] : [finding(code, `${WHATS[code]} by ${named(places)}: ${MENDS[code]}.`)]
  })
}

/** Nobody is exempt: the observer has none of these powers, and a name or a status of ours is written by anybody. */
function powersOf (template: PodTemplate): readonly Power[] {
  const { path, spec } = template
  const containers = containersOf(template)
  const shared = ['hostPID', 'hostIPC', 'hostNetwork'].filter((field) => isSet(spec, field)).map((field): Power => ['PrivilegedPod', `${path}spec.${field}`])
  const windows: Power[] = isSet(spec, 'securityContext', 'windowsOptions', 'hostProcess') ? [['PrivilegedPod', `${path}spec.securityContext.windowsOptions.hostProcess`]] : []
  return [
    ...shared,
    ...windows,
    ...containers.flatMap(({ path: at, fields }): Power[] => [
      ...isSet(fields, 'securityContext', 'privileged') ? [['PrivilegedPod', `${at}.securityContext.privileged`] as const] : [],
      ...isSet(fields, 'securityContext', 'windowsOptions', 'hostProcess') ? [['PrivilegedPod', `${at}.securityContext.windowsOptions.hostProcess`] as const] : [],
      ...textsAt(fields, 'securityContext', 'capabilities', 'add')
        .map((name) => name.toUpperCase().replace(/^CAP_/, ''))
        .filter((name) => DANGEROUS.has(name))
        .map((name) => ['DangerousCapability', `${at}.securityContext.capabilities.add (${name})`] as const),
      ...secretsInEnvironment(at, fields),
    ]),
    ...volumesOf(template).flatMap(({ path: at, fields }): Power[] => [
      ...valueAt(fields, 'hostPath') === undefined ? [] : [['HostPath', `${at}.hostPath (${textAt(fields, 'hostPath', 'path')})`] as const],
      ...secretName(textAt(fields, 'secret', 'secretName'), `${at}.secret`),
      ...listAt(fields, 'projected', 'sources').flatMap((source) => secretName(textAt(source, 'secret', 'name'), `${at}.projected.sources`)),
    ]),
  ]
}

const secretName = (name: string, at: string): Power[] => name === '' ? [] : [['NewSecretMount', `${at} (${name})`]]

const secretsInEnvironment = (at: string, container: unknown): readonly Power[] => [
  ...listAt(container, 'env').flatMap((item) => secretName(textAt(fieldsAt(item, 'valueFrom', 'secretKeyRef'), 'name'), `${at}.env[${textAt(item, 'name')}]`)),
  ...listAt(container, 'envFrom').flatMap((item) => secretName(textAt(item, 'secretRef', 'name'), `${at}.envFrom`)),
]
