export const ACTION_TYPES = [
  'network_policy', 'pod_isolation', 'traffic_throttle', 'pod_termination', 'node_quarantine', 'alert_only', 'custom_webhook',
] as const
export type ActionType = (typeof ACTION_TYPES)[number]
