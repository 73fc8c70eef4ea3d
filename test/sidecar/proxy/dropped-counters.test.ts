import t from 'tap'
import { countersIn, counterName, RunningTotals } from '../../../sidecar/proxy/dropped-counters.ts'
import { TABLE } from '../../../sidecar/proxy/redirect-rules.ts'

const counter = (name: string, packets: number, table = 'autoshield') => ({ counter: { family: 'inet', name, table, handle: 2, packets, bytes: packets * 40 } })
const listed = (...counters: readonly object[]): string => JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6', json_schema_version: 1 } }, ...counters] })

t.test('the table\'s own counters are read, by port, and nobody else\'s', async (t) => {
  const counters = countersIn(listed(counter(counterName(80), 15), counter(counterName(null), 3), counter('syn-80', 900, 'other'), counter('something', 7)), TABLE)
  t.strictSame([...counters ?? []], [[80, 15], [null, 3]])
  t.equal(countersIn(listed(), TABLE)?.size, 0)
  for (const text of ['', 'Error: No such file', '{}', listed({ counter: { family: 'inet', name: 'syn-80', table: 'autoshield', packets: -1 } })]) t.equal(countersIn(text, TABLE), null, text)
})

t.test('totals go on over a table that is made anew, and never count what they have', async (t) => {
  const totals = new RunningTotals()
  const after = (...counters: readonly (readonly [number | null, number])[]) => {
    totals.take(new Map(counters))
    return [...totals.byPort]
  }
  t.strictSame(after([80, 10]), [[80, 10]])
  t.strictSame(after([80, 10], [null, 4]), [[80, 10], [null, 4]], 'nothing new on the port')
  t.strictSame(after([80, 3], [null, 4]), [[80, 13], [null, 4]], 'another table')
  t.strictSame(after(), [[80, 13], [null, 4]], 'none')
  t.strictSame(after([80, 5]), [[80, 18], [null, 4]], 'a table that has dropped more by then than the one before at its last reading')
})
