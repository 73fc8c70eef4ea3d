import t from 'tap'
import { fromMetadata, toMetadata } from '../../xds/client-address.ts'

t.test('what a keeper says comes back from its Envoy\'s node as it was', async (t) => {
  for (const said of [{ kind: 'kept', why: '' }, { kind: 'hidden', why: 'no NET_RAW' }] as const) t.strictSame(fromMetadata(toMetadata(said)), said)
})

t.test('whatever else a node says of itself is nothing', async (t) => {
  const key = Object.keys(toMetadata({ kind: 'kept', why: '' }))[0] ?? ''
  for (const metadata of [undefined, {}, { [key]: 'kept' }, { [key]: { kind: 'maybe', why: '' } }, { [key]: { kind: 'kept' } }, { [key]: null }]) t.equal(fromMetadata(metadata), null)
  t.equal(fromMetadata({ [key]: { kind: 'hidden', why: 'x'.repeat(10_000) } })?.why.length, 500, 'words without end are cut')
})
