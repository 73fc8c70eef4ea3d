export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** The closed list of what the admission audit looks for, with its meaning and its severity. */
export const FINDINGS = {
  OptsOut: { severity: 'medium', text: 'a pod or a template opts out of injection' },
  LabelRemoved: { severity: 'high', text: 'a namespace loses the label that has its pods observed' },
  MitigationChanged: { severity: 'high', text: 'a mitigation is made, edited or deleted by somebody else than AutoShield' },
  PolicyObjectChanged: { severity: 'high', text: 'a NetworkPolicy of AutoShield, or one of Cilium\'s, is edited or deleted by somebody else' },
  PrivilegedPod: { severity: 'high', text: 'a container is privileged, or shares a namespace of its node' },
  HostPath: { severity: 'high', text: 'a pod mounts a path of its node' },
  WildcardBinding: { severity: 'critical', text: 'a binding gives every verb on every resource, or cluster-admin' },
  NewSecretMount: { severity: 'medium', text: 'a workload that is new mounts a Secret, or one mounts a Secret that is new to it' },
  PodExec: { severity: 'medium', text: 'somebody runs a command in a pod' },
  ForgedStatus: { severity: 'high', text: 'a pod comes with an injection status that is not ours' },
  NameTaken: { severity: 'high', text: 'a container or volume takes a name that is ours' },
  BadAnnotation: { severity: 'low', text: 'a label or annotation of ours asks for what cannot be or is not allowed' },
  ObserverChanged: { severity: 'high', text: 'the injected observer was changed or taken out' },
  WebhookChanged: { severity: 'critical', text: 'a webhook configuration of AutoShield was changed or deleted' },
  AdmissionWeakened: { severity: 'high', text: 'a namespace\'s admission mode is lowered' },
  PodSecurityLowered: { severity: 'high', text: 'a namespace enforces a weaker Pod Security level than before' },
  NamespaceDeleted: { severity: 'medium', text: 'a namespace whose pods are observed is deleted' },
  DangerousCapability: { severity: 'high', text: 'a container gets a capability that reaches its node' },
  PodDebug: { severity: 'medium', text: 'somebody adds a container to a running pod' },
  PodAttach: { severity: 'medium', text: 'somebody attaches to a container of a pod' },
  PodPortForward: { severity: 'low', text: 'somebody opens a tunnel into a pod' },
  DangerousRole: { severity: 'high', text: 'a role allows to gain more rights than it names, or to read every Secret' },
  PublicBinding: { severity: 'critical', text: 'a binding gives rights to everybody, or to callers without a name' },
  NetworkPolicyRemoved: { severity: 'medium', text: 'a NetworkPolicy, or one of Cilium\'s, is deleted, so that what it cut may be open' },
  OwnWorkloadChanged: { severity: 'high', text: 'something in AutoShield\'s own namespace is changed or deleted by somebody else' },
} as const satisfies Record<string, { severity: Severity, text: string }>
export type FindingCode = keyof typeof FINDINGS
export const FINDING_CODES = Object.keys(FINDINGS) as FindingCode[]

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity)
export const atLeast = (severity: Severity, floor: Severity): boolean => rank(severity) >= rank(floor)

/** The gravest of them, the first among equals; undefined where there is none. */
export const gravest = <T extends { readonly severity: Severity }>(findings: readonly T[]): T | undefined =>
  findings.reduce<T | undefined>((worst, finding) => worst === undefined || rank(finding.severity) > rank(worst.severity) ? finding : worst, undefined)
