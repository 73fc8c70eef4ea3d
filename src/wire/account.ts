import { create } from '@bufbuild/protobuf'
import type { Account } from '../core/explain/account.ts'
import { ExplainResponseSchema, type ExplainResponse } from './gen/scores_pb.ts'

export function encodeAccount ({ evidence, path, windows, counterfactual, nearest }: Account): ExplainResponse {
  const { class: className = '', ...of } = nearest ?? {}
  return create(ExplainResponseSchema, {
    evidence: [...evidence],
    path,
    windows,
    ...counterfactual === null ? {} : { counterfactual },
    ...nearest === null ? {} : { nearest: { className, ...of } },
  })
}

/** The account in a message; null where it names no feature, as that of a detector of an older version does. */
export function decodeAccount ({ evidence, path, windows, counterfactual, nearest }: ExplainResponse): Account | null {
  if (path.length === 0) return null
  return {
    evidence: evidence.map(({ feature, value, usual, contribution }) => ({ feature, value, usual, contribution })),
    path: path.map(({ feature, left }) => ({ feature, left })),
    windows: windows.map(({ window, contribution }) => ({ window, contribution })),
    counterfactual: counterfactual === undefined
      ? null
      : { limit: counterfactual.limit, probability: counterfactual.probability, changes: counterfactual.changes.map(({ feature, seen, needed }) => ({ feature, seen, needed })) },
    nearest: nearest === undefined
      ? null
      : { class: nearest.className, tool: nearest.tool, run: nearest.run, distance: nearest.distance, usualDistance: nearest.usualDistance },
  }
}
