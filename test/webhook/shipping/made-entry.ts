import type { AdmissionEntry } from '../../../src/core/admission/entry.ts'

export const BOOT = '0123456789abcdef0123456789abcdef'

export const made = (review: string, at = '2026-03-01T12:00:00.000Z', given: Partial<AdmissionEntry> = {}): AdmissionEntry => ({
  review,
  at,
  user: 'anna',
  groups: ['system:authenticated'],
  operation: 'CREATE',
  resource: '/v1/pods',
  namespace: 'shop',
  name: 'web',
  uid: '',
  mode: 'audit',
  allowed: true,
  findings: [],
  injection: null,
  seenBy: 'webhook',
  ...given,
})

export const marked = (review: string, at?: string, given: Partial<AdmissionEntry> = {}): AdmissionEntry =>
  made(review, at, { findings: [{ code: 'PrivilegedPod', severity: 'high', message: 'spec.hostPID is true' }], ...given })
