import t from 'tap'
import type { AttackOutcome, RunOutcome } from '../../../models/evaluation/judge-run.ts'
import type { SourceOutcome } from '../../../models/evaluation/judge-sources.ts'
import { SOURCE_FOLDERS } from '../../../models/evaluation/source-folders.ts'
import { sourcesReport } from '../../../models/evaluation/source-table.ts'
import { sampleDetection } from '../../adapters/store/samples.ts'

const outcome = (name: string, tool: string, sentAs: string, isFound: boolean, otherwise: readonly string[] = []): AttackOutcome => ({
  attack: { class: name, enoughPackets: null, tool, service: 'any', manner: 'plain', rate: null, sentAs, firstPacketMs: 0, lastPacketMs: 1, residueUntilMs: 1, legs: [] },
  found: isFound ? { detection: sampleDetection('d1'), delaySeconds: 1 } : null,
  otherwise,
})
const run = (attacks: readonly AttackOutcome[], falseAlarms = 0): RunOutcome =>
  ({ run: 'r', source: 'lab', attacks, falseAlarms: Array.from({ length: falseAlarms }, () => sampleDetection('d1')), benignPairs: 10, hours: 0.5, peaks: [] })

/** Two connect scans, a guess, a tunnel and a flood; what each source finds of them, in this order. */
const found: Readonly<Record<string, readonly boolean[]>> = {
  packet: [true, true, true, true, true],
  'access-log': [true, true, false, false, false],
  sockdiag: [true, false, true, false, true],
}
const sources: SourceOutcome[] = SOURCE_FOLDERS.map((source) => {
  const [one = false, two = false, guess = false, tunnel = false, flood = false] = found[source] ?? []
  const scans = [outcome('PORT_SCAN', 'nmap -sT', 'connections', one), outcome('PORT_SCAN', 'nc -z', 'connections', two)]
  const rest = [outcome('BRUTE_FORCE', 'hydra', 'connections', guess, guess ? [] : ['PORT_SCAN']), outcome('DATA_EXFILTRATION', 'iodine', 'no TCP', tunnel), outcome('SYN_FLOOD', 'hping3', 'raw packets', flood)]
  return { source, runs: [run(scans, source === 'packet' ? 2 : 0), run(rest)] }
})

t.test('each source\'s share is of what packets found, and raw packets are apart', async (t) => {
  const report = sourcesReport('m', sources)
  t.match(report, '| PORT_SCAN | 2 | 2 | 2 | 1 |')
  t.match(report, '| **by connections** | 3 | 3 | 2 (0.67) | 2 (0.67) |')
  t.match(report, '| DATA_EXFILTRATION, no TCP | 1 | 1 | 0 | 0 |')
  t.match(report, '| **all but raw packets** | 4 | 4 | 2 (0.50) | 2 (0.50) |')
  t.match(report, '| SYN_FLOOD, raw packets | 1 | 1 | 0 | 1 |')
  t.match(report, '| false alarms |  | 2 | 0 | 0 |')
  t.match(report, /missed by access-log\n\n- BRUTE_FORCE by hydra \(r\): taken for PORT_SCAN\n- DATA_EXFILTRATION by iodine/)
})

t.test('where packets found nothing there is no share of it', async (t) => {
  const nothing = SOURCE_FOLDERS.map((source): SourceOutcome => ({ source, runs: [run([outcome('PORT_SCAN', 'nmap -sT', 'connections', source === 'sockdiag')])] }))
  const report = sourcesReport('m', nothing)
  t.match(report, '| **by connections** | 1 | 0 | 0 | 1 |')
  t.match(report, /missed by packet\n\n- PORT_SCAN by nmap -sT/)
})
