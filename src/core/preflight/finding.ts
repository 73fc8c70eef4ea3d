/** The closed list of checks, in the order in which they are told. Each has its section in docs/CHECKS.md. */
export const CHECKS = {
  KubernetesVersion: 'the API server is new enough',
  Permissions: 'those who need rights have them',
  WebhookTimeouts: 'the time-outs of all webhooks that a pod\'s creation meets stay below the API server\'s limit',
  WebhookDeadlock: 'no webhook can keep its own back end, or the cluster\'s own pods, from starting',
  ClockSkew: 'the clocks of API server, nodes and this machine agree',
  NamespaceLabels: 'the labels on namespaces mean something, and somebody serves the revisions that they name',
  PodSecurity: 'which source an observer gets in each labelled namespace',
  ObserverImage: 'the nodes can pull the observer\'s image, and it cannot change under its name',
  Installed: 'AutoShield\'s settings are there and can be read',
  OwnPods: 'AutoShield\'s own pods are ready',
  Versions: 'all parts run the same version',
  Certificates: 'the webhook\'s certificate is valid, and the API server believes it',
  WebhookEndpoints: 'the webhook\'s Service has replicas that are ready',
  Registered: 'the webhooks are registered and ours',
  WebhookAnswers: 'a pod that asks for an observer gets one',
} as const
export type CheckCode = keyof typeof CHECKS
export const CHECK_CODES = Object.keys(CHECKS) as CheckCode[]

export const FINDING_STATUSES = ['ok', 'warning', 'problem'] as const
export type FindingStatus = (typeof FINDING_STATUSES)[number]

/** What one check found at one place. */
export interface Finding {
  readonly check: CheckCode
  readonly status: FindingStatus
  /** What is the case, in one sentence. */
  readonly message: string
  /** What to do about it; empty where nothing is to be done. */
  readonly mend: string
  readonly link: string
}

const made = (check: CheckCode, status: FindingStatus, message: string, mend: string): Finding => ({ check, status, message, mend, link: linkOf(check) })
export const linkOf = (check: CheckCode): string => `docs/CHECKS.md#${check.toLowerCase()}`

export const ok = (check: CheckCode, message: string): Finding => made(check, 'ok', message, '')
export const warning = (check: CheckCode, message: string, mend: string): Finding => made(check, 'warning', message, mend)
export const problem = (check: CheckCode, message: string, mend: string): Finding => made(check, 'problem', message, mend)

/** The findings, or that all is well where there are none. */
export const orOk = (findings: readonly Finding[], check: CheckCode, message: string): readonly Finding[] => findings.length > 0 ? findings : [ok(check, message)]
