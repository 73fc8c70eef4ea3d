import t from 'tap'
import { addressText } from '../../../src/core/flow/address.ts'
import { parseSocket, socketId } from '../../../sidecar/sockdiag/socket-report.ts'

t.test('a line of ss is read as the kernel meant it', async (t) => {
  const report = parseSocket('tcp   ESTAB  0      12     10.0.0.1:45678 [::ffff:10.0.0.2]:443 timer:(on,204ms,0) ino:12 sk:1d0c cgroup:/ <-> ts sack bbr wscale:10,10 rto:204 rtt:0.058/0.042 bytes_sent:455 bytes_retrans:5 bytes_acked:451 bytes_received:7 segs_out:9 segs_in:8 data_segs_out:3 data_segs_in:1 bbr:(bw:1bps,mrtt:0.001) send 144bps lastsnd:300 lastrcv:20 lastack:20 pacing_rate 1bps retrans:0/1 minrtt:0.001')
  t.match(report, {
    protocol: 'tcp',
    state: 'ESTAB',
    cookie: '1d0c',
    local: { port: 45_678 },
    peer: { port: 443 },
    counts: { bytes_sent: 455, bytes_retrans: 5, bytes_acked: 451, bytes_received: 7, segs_out: 9, segs_in: 8, data_segs_out: 3, data_segs_in: 1, lastsnd: 300, lastrcv: 20, lastack: 20 },
    timer: { leftMs: 204, runs: 0 },
  })
  t.equal(addressText(report?.peer.address ?? new Int32Array(4), 0), '10.0.0.2', 'a mapped address is the IPv4 address')
})

const ends: readonly [string, string | null, number][] = [
  ['127.0.0.1:80', '127.0.0.1', 80],
  ['10.0.0.1%eth0:68', '10.0.0.1', 68],
  ['[2001:db8::1]:80', '2001:db8::1', 80],
  ['[fe80::1]%eth0:80', 'fe80::1', 80],
  ['*:8080', null, 8080],
  ['0.0.0.0:*', '0.0.0.0', 0],
]
for (const [text, address, port] of ends) {
  t.test(`the end ${text} is understood`, async (t) => {
    const end = parseSocket(`udp UNCONN 0 0 ${text} 0.0.0.0:*`)?.local
    t.equal(end?.port, port)
    t.equal(end?.address == null ? null : addressText(end.address, 0), address)
  })
}

t.test('timers are read in whatever unit they come', async (t) => {
  const left = (text: string) => parseSocket(`tcp SYN-SENT 0 1 10.0.0.1:1 10.0.0.2:2 timer:(on,${text},1)`)?.timer?.leftMs
  t.same(['950ms', '1.2sec', '1min5sec', '59sec'].map(left), [950, 1_200, 65_000, 59_000])
})

t.test('what describes no IP socket is passed over', async (t) => {
  for (const line of ['', 'Netid State Recv-Q', 'nl UNCONN 0 0 rtnl:kernel *', 'tcp ESTAB 0 0 nonsense 10.0.0.1:80', 'tcp ESTAB']) t.equal(parseSocket(line), null, line)
})

t.test('sockets on the same ends are the same, on others not', async (t) => {
  const id = (local: string, peer: string) => {
    const report = parseSocket(`tcp ESTAB 0 0 ${local} ${peer}`)
    return report === null ? '' : socketId(report)
  }
  t.equal(id('10.0.0.1:1', '10.0.0.2:2'), id('[::ffff:10.0.0.1]:1', '10.0.0.2:2'))
  t.not(id('10.0.0.1:1', '10.0.0.2:2'), id('10.0.0.2:2', '10.0.0.1:1'))
})
