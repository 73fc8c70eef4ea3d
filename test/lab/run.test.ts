import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { ATTACK_TOOLS } from './attacks/catalogue.ts'
import { missingForLab } from './lab.ts'
import type { RunLabels } from './labels.ts'
import { readPackets } from './packets.ts'
import { runScenario } from './run.ts'
import { SERVERS } from './servers/servers.ts'

const skip = skipWithout(missingForLab([...ATTACK_TOOLS, ...Object.values(SERVERS).flatMap((server) => [...server.tools])]))
t.setTimeout(120_000)

t.test('a short run leaves a capture and labels that belong together', { skip }, async (t) => {
  const folder = t.testdir()
  const labels = await runScenario({ scenario: 'port-scan', seed: 9005, name: 'short', folder, seconds: 14, loads: 2, holdout: true, unseen: false, say: (line) => t.comment(line) })
  t.same(JSON.parse(readFileSync(join(folder, 'short.labels.json'), 'utf8')) as RunLabels, labels)
  const times = [...readPackets(zstdDecompressSync(readFileSync(join(folder, 'short.pcap.zst'))))].map((packet) => packet.atMs)
  t.equal(labels.capture.droppedByKernel, 0)
  t.ok(times.length > 0 && times.length <= labels.capture.packets)
  t.ok(labels.attacks.length > 0)
  for (const attack of labels.attacks) {
    t.ok(attack.packets > 0, `${attack.tool} sent ${attack.packets} packets`)
    t.ok(times.includes(attack.firstPacketMs ?? -1), 'its first packet is in the capture')
    t.ok(times.includes(attack.lastPacketMs ?? -1), 'its last packet is in the capture')
    t.ok((attack.firstPacketMs ?? 0) >= attack.startedMs - 5)
    const attacker = labels.pods.find((pod) => pod.address === attack.attacker)
    t.ok(attacker?.roles.includes('attacker'))
  }
})

t.test('a run on a machine that does not keep time fails, and leaves nothing', { skip }, async (t) => {
  const folder = t.testdir()
  // Said while the capture runs, in the process that keeps its time.
  const say = (line: string) => { if (line.includes('PORT_SCAN: ')) for (const until = performance.now() + 1000; performance.now() < until;); }
  await t.rejects(runScenario({ scenario: 'port-scan', seed: 9005, name: 'late', folder, seconds: 10, loads: 1, holdout: true, unseen: false, say }), /late: .* % of the time went in pauses of up to \d+ ms/)
  t.same(readdirSync(folder), [])
})

t.test('an unknown scenario is refused with the names of those that exist', async (t) => {
  await t.rejects(runScenario({ scenario: 'nothing', seed: 1, name: 'x', folder: join(t.testdirName, 'never'), seconds: 1, holdout: true, unseen: false, say: () => undefined }), /no scenario 'nothing'; there are: benign, look-alikes, port-scan/)
  t.notOk(existsSync(join(t.testdirName, 'never')))
})
