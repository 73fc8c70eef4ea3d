import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openCapture } from '../../../sidecar/capture/open-capture.ts'
import { WindowExtractor } from '../../../src/core/window/window-extractor.ts'
import type { Window } from '../../../src/core/window/window.ts'
import { mixedTraffic } from '../../bench/mixed-traffic.ts'
import { counter, feature } from '../../core/window/observe.ts'
import { pcap } from './capture-builder.ts'

t.setTimeout(300_000) // tshark reads each file in seconds; on a busy machine in many

/** Beside the checkout, where there are real captures; they are not part of the project. */
const REAL = new URL('../../../../shared/data/captures/train/', import.meta.url).pathname
/** Without IP fragments, which tshark counts in another way on purpose. */
const REAL_CAPTURES = [
  'PORT_SCAN/evilfingers__TCP_CONNECT_SCAN.pcap.zst',
  'BRUTE_FORCE/ppa1e__ftp-crack.pcap.zst',
  'BENIGN/mqttset__benign-5mb-train.pcap.zst',
  'BENIGN/graphtunnel__normal_00003_20230805162300.pcap.zst',
  'BENIGN/ndpi__http_ipv6.pcap.zst',
  'BENIGN/ndpi__alexa-app.pcap.zst',
]

interface Account {
  /** Of each unordered pair of addresses. */
  readonly packets: Map<string, number>
  /** Layer-4 payload of TCP and UDP, of each ordered pair of addresses. */
  readonly bytes: Map<string, number>
}

const add = (to: Map<string, number>, key: string, amount: number): void => { to.set(key, (to.get(key) ?? 0) + amount) }
const unordered = (a: string, b: string): string => a < b ? `${a}|${b}` : `${b}|${a}`
const sorted = (map: Map<string, number>): [string, number][] => [...map].filter(([, value]) => value > 0).sort(([a], [b]) => a < b ? -1 : 1)

function tshark (args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('tshark', ['-n', '-o', 'ip.defragment:FALSE', '-o', 'tcp.desegment_tcp_streams:FALSE', ...args], { encoding: 'utf8', maxBuffer: 1 << 29 })
  if (status !== 0) throw new Error(`tshark: ${stderr}`)
  return stdout
}

/** tshark's own account, by its dissectors. */
function theirs (path: string): Account {
  const account: Account = { packets: new Map(), bytes: new Map() }
  const fields = ['ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'tcp.len', 'udp.length'].flatMap((field) => ['-e', field])
  const lines = tshark(['-r', path, '-Y', '(tcp or udp) and not icmp and not icmpv6', '-T', 'fields', '-E', 'occurrence=f', ...fields])
  for (const line of lines.trim().split('\n')) {
    const [source4 = '', destination4 = '', source6 = '', destination6 = '', tcp = '', udp = ''] = line.split('\t')
    const [source, destination] = source4 === '' ? [source6, destination6] : [source4, destination4]
    add(account.packets, unordered(source, destination), 1)
    add(account.bytes, `${source}>${destination}`, tcp === '' ? Number(udp) - 8 : Number(tcp))
  }
  return account
}

async function windowsOf (path: string): Promise<{ windows: Window[], extractor: WindowExtractor }> {
  // tshark has no bound on forged sources, so there is none here.
  const extractor = new WindowExtractor({ ownAddresses: null, maxHalfOpenSources: 65_536 })
  const windows: Window[] = []
  for await (const chunk of openCapture(path)) {
    extractor.push(chunk)
    windows.push(...extractor.take())
  }
  windows.push(...extractor.flush())
  return { windows, extractor }
}

function ours (windows: readonly Window[]): Account {
  const account: Account = { packets: new Map(), bytes: new Map() }
  for (const window of windows) {
    if (window.key.kind !== 'pair' || window.stepMs !== 60_000) continue
    const { source, destination } = window.key
    const packets = counter(window, 'tcp_packets') + counter(window, 'udp_packets')
    if (packets === 0) continue // ICMP's payload is not in tshark's account
    add(account.packets, unordered(source, destination), packets)
    add(account.bytes, `${source}>${destination}`, feature(window, 'bytes_sent'))
    add(account.bytes, `${destination}>${source}`, feature(window, 'bytes_received'))
  }
  return account
}

const noTshark = spawnSync('tshark', ['--version']).error === undefined ? false : 'tshark is not installed (node test/setup/install.mjs installs it)'

async function generated (t: Test): Promise<string> {
  const traffic = mixedTraffic(7, 50)
  const frames = Array.from({ length: 20_000 }, (_, at) => ({ timeMs: 1_760_000_000_000 + at * 2, frame: traffic.next().value }))
  const path = join(t.testdir(), 'mixed.pcap')
  await writeFile(path, pcap(frames.filter(({ frame }) => frame[23] !== 1 && frame[20] !== 58), { snapLength: 96 }))
  return path
}

t.test('packets and bytes of every pair are tshark\'s, on generated traffic', { skip: noTshark }, async (t) => {
  const path = await generated(t)
  const { windows, extractor } = await windowsOf(path)
  const [mine, other] = [ours(windows), theirs(path)]
  t.strictSame(sorted(mine.packets), sorted(other.packets))
  t.strictSame(sorted(mine.bytes), sorted(other.bytes))
  const conversations = tshark(['-q', '-r', path, '-z', 'conv,tcp', '-z', 'conv,udp']).split('\n').filter((line) => line.includes('<->')).length
  t.ok(Math.abs(extractor.stats.flows - conversations) <= conversations / 100, `${extractor.stats.flows} flows, ${conversations} conversations (ports that are used again make the difference)`)
})

for (const capture of REAL_CAPTURES) {
  const path = join(REAL, capture)
  const skip = noTshark === false && !existsSync(path) ? `the capture ${capture} is not here` : noTshark
  t.test(`packets and bytes of every pair are tshark's, on ${capture}`, { skip }, async (t) => {
    const { windows } = await windowsOf(path)
    const [mine, other] = [ours(windows), theirs(path)]
    t.strictSame(sorted(mine.bytes), sorted(other.bytes))
    // An offload frame is one packet to tshark, and to us the segments that it stands for.
    if (tshark(['-r', path, '-Y', 'frame.len > 1514', '-T', 'fields', '-e', 'frame.number']) === '') t.strictSame(sorted(mine.packets), sorted(other.packets))
    else t.ok(sorted(mine.packets).every(([pair, packets]) => packets >= (other.packets.get(pair) ?? Infinity)))
  })
}
