import t from 'tap'
import { grown, parseCounters } from '../../../sidecar/sockdiag/kernel-counters.ts'

const text = (resets: number): string => `Tcp: ActiveOpens OutRsts\nTcp: 6 ${resets}\nUdp: NoPorts\nUdp: 3\nTcpExt: SyncookiesSent SyncookiesRecv\nTcpExt: 11 2\n`

t.test('counters are found under their group and name', async (t) => {
  t.same(Object.fromEntries(parseCounters(text(7))), { 'Tcp.ActiveOpens': 6, 'Tcp.OutRsts': 7, 'Udp.NoPorts': 3, 'TcpExt.SyncookiesSent': 11, 'TcpExt.SyncookiesRecv': 2 })
})

t.test('growth is what was added since, and nothing where a counter is missing or began anew', async (t) => {
  const [before, after] = [parseCounters(text(7)), parseCounters(text(12))]
  t.equal(grown(before, after, 'Tcp.OutRsts'), 5)
  t.equal(grown(after, before, 'Tcp.OutRsts'), 0)
  t.equal(grown(before, after, 'TcpExt.Unknown'), 0)
  t.equal(grown(new Map(), after, 'Tcp.OutRsts'), 0)
})
