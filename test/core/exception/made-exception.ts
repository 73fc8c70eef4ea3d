import type { Exception, ExceptionSpec, ExceptionStatus } from '../../../src/core/exception/exception.ts'

export const NOW = Date.UTC(2026, 0, 1)

export const madeExceptionSpec = (more: Partial<ExceptionSpec> = {}): ExceptionSpec => ({
  source: { namespace: 'shop', name: 'web-7' }, classes: ['PORT_SCAN'], upToSeverity: 'high', until: '2026-01-01T04:00:00Z', reason: 'an audit', by: 'jo', ...more,
})

export const madeException = (spec: unknown = madeExceptionSpec(), status: ExceptionStatus | null = null): Exception =>
  ({ metadata: { name: 'audit', uid: 'u', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' }, spec, status })
