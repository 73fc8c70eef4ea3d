import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { connectionsOf, type FlowRecord } from '../../src/core/history/flow-record.ts'
import { autoshield, Running } from '../program.ts'

t.setTimeout(240_000)

const CAPTURE = new URL('../../deploy/demo/attack.pcap.zst', import.meta.url).pathname
const FREE_PORTS = ['--api-port', '0', '--dashboard-port', '0', '--metrics-port', '0', '--xds', '127.0.0.1:0']
const hasTshark = spawnSync('tshark', ['--version']).status === 0

interface Seen { connections: number, sent: number, received: number }
const add = (to: Map<string, Seen>, key: string, more: Seen): void => {
  const before = to.get(key) ?? { connections: 0, sent: 0, received: 0 }
  to.set(key, { connections: before.connections + more.connections, sent: before.sent + more.sent, received: before.received + more.received })
}
const sorted = (map: Map<string, Seen>): [string, Seen][] => [...map].sort(([one], [other]) => one < other ? -1 : 1)

/** tshark's own conversations: whoever sends a stream's first packet begins it. */
function conversations (): Map<string, Seen> {
  const fields = ['ip.src', 'ip.dst', 'tcp.stream', 'tcp.srcport', 'tcp.dstport', 'tcp.len', 'udp.stream', 'udp.srcport', 'udp.dstport', 'udp.length'].flatMap((field) => ['-e', field])
  const { status, stdout, stderr } = spawnSync('tshark', ['-n', '-o', 'tcp.desegment_tcp_streams:FALSE', '-r', CAPTURE, '-Y', '(tcp or udp) and ip and not icmp', '-T', 'fields', '-E', 'occurrence=f', ...fields], { encoding: 'utf8', maxBuffer: 1 << 29 })
  if (status !== 0) throw new Error(`tshark: ${stderr}`)
  const streams = new Map<string, { readonly from: string, readonly key: string, readonly seen: Seen }>()
  for (const line of stdout.trim().split('\n')) {
    const [source = '', destination = '', tcp = '', from = '', to = '', length = '', udp = '', udpFrom = '', udpTo = '', udpLength = ''] = line.split('\t')
    const isTcp = tcp !== ''
    const id = isTcp ? `tcp ${tcp}` : `udp ${udp}`
    const stream = streams.get(id) ?? { from: `${source} ${isTcp ? from : udpFrom}`, key: `${source}>${destination} ${isTcp ? 6 : 17} ${isTcp ? to : udpTo}`, seen: { connections: 1, sent: 0, received: 0 } }
    streams.set(id, stream)
    const bytes = isTcp ? Number(length) : Number(udpLength) - 8
    if (stream.from === `${source} ${isTcp ? from : udpFrom}`) stream.seen.sent += bytes
    else stream.seen.received += bytes
  }
  const all = new Map<string, Seen>()
  for (const { key, seen } of streams.values()) add(all, key, seen)
  return all
}

t.test('the recorded attack, played through the whole loop, leaves the flows that tshark counts in it', { skip: hasTshark ? false : 'no tshark: apt-get install tshark' }, async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'autoshield-flows-'))
  t.teardown(async () => rm(data, { recursive: true }))
  {
    await using up = Running.start(['up', '--data', data, ...FREE_PORTS, '--speed', 'max'])
    await up.saying(/autoshield replay: .* windows/, 120_000) // all of it is acknowledged, and so handed on
    up.kill('SIGINT')
    t.same(await up.ended, [0, null])
  }
  const { stdout } = await autoshield(['flows', '--data', data, '-o', 'json'])
  const records = stdout.trim().split('\n').map((line) => JSON.parse(line) as FlowRecord).filter(({ protocol }) => protocol === 6 || protocol === 17)
  const [ports, pairs, theirPairs, theirPorts] = [new Map<string, Seen>(), new Map<string, Seen>(), new Map<string, Seen>(), new Map<string, Seen>()]
  for (const record of records) {
    const { source, destination, protocol, port, bytesSent, bytesReceived } = record
    const [pair, seen] = [`${source.address}>${destination.address} ${protocol}`, { connections: connectionsOf(record), sent: bytesSent, received: bytesReceived }]
    add(pairs, pair, seen)
    // Of a scan's ports not all have names; those that carried something do.
    if (bytesSent + bytesReceived > 0) add(ports, `${pair} ${port}`, seen)
  }
  for (const [key, seen] of conversations()) {
    add(theirPairs, key.slice(0, key.lastIndexOf(' ')), seen)
    if (seen.sent + seen.received > 0) add(theirPorts, key, seen)
  }
  t.ok(theirPorts.size > 30, `${theirPorts.size} ports carried something`)
  const bytes = (seen: Map<string, Seen>): object[] => sorted(seen).map(([key, { sent, received }]) => ({ key, sent, received }))
  t.strictSame(bytes(ports), bytes(theirPorts), 'bytes of each port that carried something')
  // Where more ports were used than are named, a probe of a port that carries something later may be among the others.
  const scanned = new Set(records.filter(({ port }) => port === 0).map(({ source, destination }) => `${source.address}>${destination.address}`))
  const whole = (seen: Map<string, Seen>): [string, Seen][] => sorted(seen).filter(([key]) => !scanned.has(key.slice(0, key.indexOf(' '))))
  t.ok(whole(ports).length > 30)
  t.strictSame(whole(ports), whole(theirPorts), 'and its connections, where all ports of the pair are named')
  // A flood's forged sources beyond 256 at one time count at the victim alone.
  const known = sorted(theirPairs).filter(([pair]) => pairs.has(pair))
  t.strictSame(sorted(pairs), known, 'connections and bytes of each pair')
})
