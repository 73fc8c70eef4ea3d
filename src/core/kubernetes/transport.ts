/** The transports that Services, containers and NetworkPolicies speak of. */
export const TRANSPORTS = ['TCP', 'UDP', 'SCTP'] as const
export type Transport = (typeof TRANSPORTS)[number]
