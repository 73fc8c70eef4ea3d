import type { Test } from 'tap'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { Collection } from '../../../src/ports/object-store.ts'
import { sampleMitigation } from './samples.ts'

export interface CollectionUnderTest {
  readonly collection: () => Collection<Mitigation>
  /** How many writes the bounds are tried with. */
  readonly writes: number
  /** How many ended ones may be there beyond the bound, because pruning goes by steps. */
  readonly slack: number
  /** As after a crash: what was in memory is lost. */
  readonly reopen: () => Promise<void>
}

/** What every store of mitigations promises, on a disk or in a cluster. It is empty when `start` gives it. */
export function mitigationContract (t: Test, start: (t: Test, retention: number) => Promise<CollectionUnderTest>): void {
  t.test('a mitigation that was put is read back as it was, also after a crash', async (t) => {
    const { collection, reopen } = await start(t, 100)
    const all: Mitigation[] = [
      sampleMitigation('plain'),
      { ...sampleMitigation('ended', 'reverted', 1) },
      changed(sampleMitigation('flood', 'active', 2), { subject: 'anySource', action: 'limit', limit: { value: 1.5, unit: 'connections/s', burst: 3 }, ports: [80, 443], mode: 'shadow' }),
      changed(sampleMitigation('service', 'active', 4), { services: ['10.96.0.2'] }),
      changed(sampleMitigation('outside', 'active', 3), { victims: [], destinations: ['203.0.113.9'], direction: 'egress' }),
    ]
    await Promise.all(all.map(async (each) => collection().put(each.metadata.name, each)))
    for (const each of all) t.strictSame(withoutIdentity(collection().get(each.metadata.name)), withoutIdentity(each), 'at once')
    t.equal(collection().get('nobody'), null)
    await reopen()
    for (const each of all) t.strictSame(withoutIdentity(collection().get(each.metadata.name)), withoutIdentity(each), 'and afterwards')
  })

  t.test('mitigations are listed newest first, and an update neither moves nor doubles one', async (t) => {
    const { collection, reopen } = await start(t, 100)
    await collection().put('a', sampleMitigation('a', 'active', 1))
    await collection().put('b', sampleMitigation('b', 'active', 2))
    await collection().put('a', sampleMitigation('a', 'expired', 1))
    const seen = () => collection().list().map(({ metadata, status }) => [metadata.name, status.phase])
    t.strictSame(seen(), [['b', 'active'], ['a', 'expired']])
    t.strictSame(collection().list({ limit: 1 }).map(({ metadata }) => metadata.name), ['b'])
    await reopen()
    t.strictSame(seen(), [['b', 'active'], ['a', 'expired']])
  })

  t.test('writes of one mitigation happen in the order in which they were asked for', async (t) => {
    const { collection, reopen } = await start(t, 100)
    const value = sampleMitigation('a')
    await Promise.all(Array.from({ length: 10 }, async (_, i) => collection().put('a', { ...value, status: { ...value.status, undo: `turn ${i}` } })))
    t.equal(collection().get('a')?.status.undo, 'turn 9')
    await reopen()
    t.equal(collection().get('a')?.status.undo, 'turn 9')
  })

  t.test('history is bounded, and what is still in force is never pruned', async (t) => {
    const { collection, writes, slack } = await start(t, 10)
    await collection().put('in-force', sampleMitigation('in-force'))
    await Promise.all(Array.from({ length: writes }, async (_, i) => collection().put(`m${i}`, sampleMitigation(`m${i}`, 'expired', i + 1))))
    const left = collection().list()
    t.ok(left.length <= 1 + 10 + slack, `${left.length} are left`)
    t.equal(left.at(-1)?.metadata.name, 'in-force')
    t.equal(left[0]?.metadata.name, `m${writes - 1}`, 'the newest are kept')
  })
}

const changed = (mitigation: Mitigation, spec: Partial<Mitigation['spec']>): Mitigation => ({ ...mitigation, spec: { ...mitigation.spec, ...spec } })

/** A cluster gives an object its uid. */
const withoutIdentity = (mitigation: Mitigation | null) => mitigation === null ? null : { ...mitigation, metadata: { ...mitigation.metadata, uid: '' } }
