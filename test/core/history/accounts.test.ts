import fc from 'fast-check'
import t from 'tap'
import { addAccount, mergeAccounts, type Account, type Totals } from '../../../src/core/history/accounts.ts'

const account = (change: Partial<Account>): Account => ({ minute: 1, source: 1, destination: 2, protocol: 6, port: 80, witness: 'source', begun: 1, carried: 0, failed: 0, bytesSent: 10, bytesReceived: 20, ...change })

t.test('where both ends told of a minute, the destination\'s account counts, and nothing counts twice', (t) => {
  const [mine, theirs, replayed] = [account({ begun: 5 }), account({ witness: 'destination', begun: 3 }), account({ witness: 'recording', begun: 4 })]
  t.strictSame(mergeAccounts([mine]), [mine], 'source yes, destination no')
  t.strictSame(mergeAccounts([theirs]), [theirs], 'source no, destination yes')
  t.strictSame(mergeAccounts([mine, theirs]), [theirs], 'both')
  t.strictSame(mergeAccounts([mine, replayed]), [replayed], 'a recording counts as a destination\'s')
  t.strictSame(mergeAccounts([account({ port: 0, begun: 5 }), theirs]), [theirs], 'though they name other ports')
  t.end()
})

t.test('another minute, protocol or pair is another conversation', (t) => {
  const theirs = account({ witness: 'destination' })
  for (const change of [{ minute: 2 }, { protocol: 17 }, { source: 3 }, { destination: 3 }]) {
    t.equal(mergeAccounts([account(change), theirs]).length, 2, JSON.stringify(change))
  }
  t.end()
})

t.test('connections over a time are those that began, and those that were open at first', (t) => {
  let totals: Totals | undefined
  for (const one of [account({ minute: 5, begun: 2, carried: 3 }), account({ minute: 6, begun: 0, carried: 5, failed: 1 }), account({ minute: 9, begun: 1, carried: 5, witness: 'destination' })]) totals = addAccount(totals, one)
  t.match(totals, { firstMinute: 5, lastMinute: 9, begun: 3, carried: 3, failed: 1, bytesSent: 30, bytesReceived: 60, witness: 'destination' })
  t.end()
})

t.test('merging twice changes nothing', (t) => {
  const any = fc.record({ minute: fc.nat(2), source: fc.nat(2), destination: fc.nat(2), protocol: fc.constantFrom(6, 17), port: fc.nat(2), witness: fc.constantFrom('source' as const, 'destination' as const, 'recording' as const) })
  fc.assert(fc.property(fc.array(any), (changes) => {
    const merged = mergeAccounts(changes.map(account))
    t.strictSame(mergeAccounts(merged), merged)
  }))
  t.end()
})
