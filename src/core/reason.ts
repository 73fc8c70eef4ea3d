/**
 * The closed list of reason codes. The same code labels metrics, audit entries, conditions, events and documents.
 * A decision or condition without one does not exist.
 */
export const REASONS = {
  // Decisions: what policy and safety made of a detection.
  RuleMatched: 'a rule fired and nothing held it back',
  NoRule: 'no rule names this class at this confidence',
  BelowThreshold: 'the confidence is under the rule\'s threshold',
  ConditionFalse: 'the rule\'s condition is not true for this key',
  RuleDisabled: 'the rule is disabled',
  Cooldown: 'the same rule acted on this source and target less than its cooldown ago',
  AlreadyMitigated: 'a mitigation for this rule, source and target is in force',
  RateLimited: 'the limit of actions per minute is used up',
  CircuitOpen: 'the circuit breaker is open after repeated failures or a burst of actions',
  BlastRadius: 'the action would touch more pods than the rule allows',
  ProtectedTarget: 'the pod or namespace is protected',
  UnknownTarget: 'the address belongs to no known pod, or stands for many',
  ForgedSource: 'the source neither completed a handshake nor is confirmed by its own observer',
  SimulatedEvidence: 'the evidence is a replay, so the action is simulated',
  ActuationDisabled: 'actuation is switched off, so the action is simulated',
  ActionNeedsCluster: 'the action needs a cluster, so it is planned and simulated',
  AlertOnly: 'the action is an alert and restricts nothing',
  // Conditions of a mitigation.
  Stored: 'the mitigation is valid and stored',
  Simulated: 'nothing is enforced: the mitigation is simulated',
  NoTargets: 'no proxy and no policy object could carry the restriction',
  Pending: 'not every target has answered yet',
  Acknowledged: 'every target has taken the restriction',
  Rejected: 'a target refused the restriction',
  CannotEnforce: 'no actuator here can stop this traffic',
  NoAttemptSeen: 'no attempt was seen since the restriction was programmed',
  AttemptsStopped: 'attempts were seen and did not get through',
  AttemptsContinue: 'attempts were seen and still get through',
  Expired: 'the time to live has passed',
  Reverted: 'a person undid it',
  // Injection: what admission made of a pod.
  Injected: 'an observer was added',
  Repaired: 'what another injector changed behind us was put right',
  PodOptedOut: 'the pod\'s own label keeps it out',
  NamespaceNotLabelled: 'neither the namespace nor the pod asks for injection',
  NamespaceOptedOut: 'the namespace\'s label keeps its pods out',
  NamespaceExcluded: 'the namespace is never injected',
  NamespaceUnknown: 'the namespace is not known to the webhook yet',
  OtherRevision: 'another revision of the injector serves the pod',
  HostNetwork: 'the pod uses its node\'s network',
  StaticPod: 'the kubelet runs the pod from a file; nothing that is patched here would hold',
  OtherSystem: 'the pod runs on another operating system than Linux',
  AlreadyInjected: 'the observer is there as it should be',
  NameTaken: 'a container or volume of the pod has a name that is ours',
  PodSecurity: 'no source fits the namespace\'s Pod Security level',
  BadAnnotation: 'an annotation of the pod asks for something that cannot be or is not allowed',
  NotReady: 'the webhook has no certificate authority to give to the observer yet',
  DecidingFailed: 'deciding failed by a defect of AutoShield; the pod is let through as it is',
  Overloaded: 'too many reviews at once; the pod is let through as it is',
  DeadlineExceeded: 'deciding took longer than the API server waits; the pod is let through as it is',
  // Coverage: what was found of a pod afterwards.
  Observed: 'the pod\'s observer reports',
  Silent: 'the pod has an observer that does not report',
  Stale: 'the observer is of an older template',
  Missed: 'the pod should have an observer and has none: it was created while the webhook was away',
} as const
export type ReasonCode = keyof typeof REASONS
export const REASON_CODES = Object.keys(REASONS) as ReasonCode[]
