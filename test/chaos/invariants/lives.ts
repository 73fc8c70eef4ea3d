import { fromStored } from '../../../src/adapters/kubernetes/stored-mitigation.ts'
import { readObject } from '../../../src/core/kubernetes/read-object.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { Diary } from '../diary.ts'

/** A mitigation as the API server had it, state after state. */
export interface Life {
  readonly name: string
  readonly createdMs: number
  /** `RULE#ACTION SOURCE>TARGET`: for one of these there is one mitigation at a time. */
  readonly of: string
  readonly source: string
  readonly target: string
  readonly rule: string
  /** `untilMs`: when the next write of it was on its way, Infinity for the last. */
  readonly states: readonly { readonly fromMs: number, readonly untilMs: number, readonly mitigation: Mitigation }[]
  readonly last: Mitigation
}

/** Of every mitigation that a controller wrote with a status; what never had one is no mitigation yet. */
export function livesOf ({ writes }: Pick<Diary, 'writes'>): readonly Life[] {
  const written = writes.filter(({ resource }) => resource === 'mitigations').flatMap(({ receivedMs, answeredMs, object }) => {
    const mitigation = fromStored(readObject(object, RESOURCES.mitigations))
    return mitigation === null ? [] : [{ receivedMs, answeredMs, mitigation }]
  })
  return [...Map.groupBy(written, ({ mitigation }) => mitigation.metadata.name)].flatMap(([name, all]) => {
    const last = all.at(-1)
    if (last === undefined) return []
    const { metadata: { creationTimestamp, annotations }, spec: { owner } } = last.mitigation
    const of = (key: string): string => annotations[`autoshield.dev/${key}`] ?? ''
    return [{
      name,
      createdMs: Date.parse(creationTimestamp),
      of: `${owner.rule}#${of('action')} ${of('source')}>${of('target')}`,
      source: of('source'),
      target: of('target'),
      rule: owner.rule,
      states: all.map(({ answeredMs, mitigation }, at) => ({ fromMs: answeredMs, untilMs: all[at + 1]?.receivedMs ?? Infinity, mitigation })),
      last: last.mitigation,
    }]
  })
}

/** When it held no more at the latest, Unix ms. */
export const endOf = ({ last: { spec, status } }: Life): number => Math.min(Date.parse(spec.expiresAt), status.endedAt === undefined ? Infinity : Date.parse(status.endedAt))
