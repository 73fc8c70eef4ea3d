import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FEATURES, keyId, type FeatureName, type Window } from '../../../src/core/window/window.ts'
import { Lab, missingForLab } from '../../lab/lab.ts'
import type { LabProcess } from '../../lab/process.ts'
import type { Pod } from '../../lab/pod.ts'
import { skipWithout } from '../../setup/tools.ts'
import { until } from '../../xds/real-envoy.ts'

t.setTimeout(180_000)

const skip = skipWithout(missingForLab(['ss', 'stdbuf', 'python3', 'curl', 'nmap', 'hping3']))
const CLIENT = '10.9.0.1'
const SERVER = '10.9.0.2'
const PAIR = `${CLIENT}>${SERVER}`
const WATCHER = join(import.meta.dirname, 'watch.ts')
/** As at Pod Security `restricted`. */
const UNPRIVILEGED = ['setpriv', '--reuid', '65532', '--regid', '65532', '--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']

interface Watch { readonly process: LabProcess, readonly name: string }

/** Both sources in both pods; resolves when all of them see. */
async function watch (lab: Lab): Promise<Watch[]> {
  const begin = (pod: Pod, source: 'packet' | 'sockdiag'): Watch => {
    const program = [process.execPath, WATCHER, source, pod.address]
    return { process: pod.spawnInNetwork(source === 'packet' ? program : [...UNPRIVILEGED, ...program]), name: `${pod.name} ${source}` }
  }
  const watches = lab.pods.flatMap((pod) => [begin(pod, 'packet'), begin(pod, 'sockdiag')])
  await Promise.all(watches.map(({ process }) => process.saying('watching', 60_000)))
  // `ss -E` may be a moment behind: the kernel lists whoever listens to a group of SOCK_DIAG (netlink protocol 4).
  for (const pod of lab.pods) await pod.must("timeout 20 sh -c 'until awk \"\\$2 == 4 && \\$4 !~ /^0+\\$/ { found = 1 } END { exit !found }\" /proc/net/netlink; do sleep 0.05; done'")
  return watches
}

/** Waits until a packet that is later than all others so far has come through every capture: one that ends sooner loses what its ring still held. */
async function readToNow (lab: Lab, watches: readonly Watch[]): Promise<void> {
  await lab.pod('server').run(`curl -s http://${CLIENT}:9/`) // refused; no key of the tests' own holds it
  await Promise.all(watches.filter(({ name }) => name.endsWith('packet')).map(async ({ process }) => process.saying(`"source":"${SERVER}"`)))
}

type Sums = Readonly<Record<FeatureName, number>>

/** Windows that a watch has told of, summed over its 0.5 s windows under a key. */
function sumOf (told: string, key: string): Sums {
  const lines = told.slice(0, told.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '')
  const ours = lines.map((line) => JSON.parse(line) as Pick<Window, 'key' | 'stepMs'> & { features: number[] }).filter((window) => window.stepMs === 500 && keyId(window.key) === key)
  return Object.fromEntries(FEATURES.map((feature, at) => [feature, ours.reduce((sum, { features }) => sum + (features[at] ?? 0), 0)])) as Record<FeatureName, number>
}

/** What each watch saw under a key until it was ended. */
async function sums (watches: readonly Watch[], key: string): Promise<Map<string, Sums>> {
  const found = new Map<string, Sums>()
  for (const { process, name } of watches) {
    const { stdout, stderr, code } = await process.end() // an `ss` that ends before the watch is asked to is a fault to it
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`)
    found.set(name, sumOf(stdout, key))
  }
  return found
}

async function stage (t: Test): Promise<Lab> {
  const lab = await Lab.start({ pods: [{ name: 'client', address: CLIENT }, { name: 'server', address: SERVER }] })
  t.teardown(async () => lab[Symbol.asyncDispose]())
  return lab
}

t.test('whole requests look the same to sockets and packets, at both ends', { skip }, async (t) => {
  const lab = await stage(t)
  lab.pod('server').spawn('python3 -m http.server 8080 --directory /usr/share')
  await lab.pod('server').listening(8080)
  const watches = await watch(lab)
  await lab.pod('client').must(`for i in $(seq 30); do curl -s -o /dev/null http://${SERVER}:8080/; done`)
  await readToNow(lab, watches)
  const found = await sums(watches, PAIR)
  const truth = found.get('client packet')
  t.ok((truth?.syn_count ?? 0) === 30)
  for (const [name, sum] of found) {
    for (const feature of ['syn_count', 'rst_count', 'fin_count'] as const) t.equal(sum[feature], truth?.[feature], `${name}: ${feature}`)
    // The kernel counts a FIN as a byte for a moment, and what comes after the socket is gone not at all: at most one a connection.
    for (const feature of ['bytes_sent', 'bytes_received', 'ack_count'] as const) t.ok(Math.abs(sum[feature] - (truth?.[feature] ?? 0)) <= 30, `${name}: ${feature} ${sum[feature]} of ${truth?.[feature]}`)
    // A connection that a step's end cuts counts in both steps; sockets and packets do not cut at the same microsecond.
    t.ok(sum.flow_count >= 30 && sum.flow_count <= 36, `${name}: flow_count ${sum.flow_count}`)
  }
})

t.test('a connect scan is seen where it comes from; its victim sees the resets in its fan-in', { skip }, async (t) => {
  const lab = await stage(t)
  const watches = await watch(lab)
  await lab.pod('client').must(`nmap -n -Pn -sT -T4 -p 1-500 ${SERVER}`)
  // The last that `ss` says of a short scan may still be on its way when nmap has ended.
  const scanner = watches.find(({ name }) => name === 'client sockdiag')?.process
  await until(() => `all of the scan is heard: ${sumOf(scanner?.stdout ?? '', PAIR).syn_count}`, () => sumOf(scanner?.stdout ?? '', PAIR).syn_count >= 495 || undefined)
  const pairs = await sums(watches, PAIR)
  const seen = pairs.get('client sockdiag')
  // Held to what nmap did, not to the packets: tcpdump loses what it has not written when it is ended.
  for (const feature of ['flow_count', 'syn_count', 'rst_count', 'unique_ports'] as const) {
    t.ok(Math.abs((seen?.[feature] ?? 0) - 500) <= 5, `${feature}: ${seen?.[feature]} of 500`)
  }
  t.equal(pairs.get('server sockdiag')?.flow_count, 0, 'a closed port leaves no socket')
  const resets = (await sums(watches, `*>${SERVER}`)).get('server sockdiag')?.rst_count ?? 0
  t.ok(Math.abs(resets - 500) <= 5, `${resets} resets of 500`)
})

t.test('every SYN of a flood from forged addresses counts at its victim', { skip }, async (t) => {
  const lab = await stage(t)
  lab.pod('server').spawn('python3 -m http.server 8080 --directory /usr/share')
  await lab.pod('server').listening(8080)
  const watches = await watch(lab)
  await lab.pod('client').run(`hping3 -q -c 1500 -i u2000 -S -p 8080 --rand-source ${SERVER}`)
  await readToNow(lab, watches)
  const found = await sums(watches, `*>${SERVER}`)
  const [packets = 0, sockets = 0] = ['server packet', 'server sockdiag'].map((name) => found.get(name)?.syn_count)
  t.ok(packets > 1_000)
  t.ok(Math.abs(sockets - packets) <= packets / 100, `${sockets} of ${packets}`)
})
