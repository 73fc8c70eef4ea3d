/** What a proxy answered to the newest snapshot that it was sent: `ProxyStatus` of ports.ts, which core may not import. */
export interface ProxyAnswer {
  readonly podUid: string
  readonly connected: boolean
  readonly version: string
  readonly state: 'in-sync' | 'pending' | 'rejected'
  readonly message: string
  readonly mitigations: readonly string[]
}
