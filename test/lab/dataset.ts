import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomFrom } from './random.ts'
import { runScenario } from './run.ts'

/** One line of a dataset's `index.json`. Paths are relative to it. */
export interface IndexEntry {
  run: string
  scenario: string
  seed: number
  holdout: boolean
  seconds: number
  packets: number
  capture: string
  labels: string
  attacks: { class: string, tool: string, packets: number }[]
}

/** The order in which a dataset grows, so that it holds every class from its beginning on. */
export const CYCLE = ['port-scan', 'benign', 'syn-flood', 'brute-force', 'benign', 'lateral-movement', 'data-exfiltration', 'mixed'] as const

/** Every fourth cycle is held out: tools and parameters that the others lack, and ordinary traffic that nothing was fitted to. */
const isHeldOut = (turn: number) => turn % 4 === 2

export async function makeDataset (options: { folder: string, from: number, runs: number, jobs: number, scenarios: readonly string[], say: (line: string) => void }): Promise<void> {
  const { folder, from, runs, jobs, scenarios, say } = options
  mkdirSync(folder, { recursive: true })
  const index = readIndex(folder)
  const done = new Set(index.map((entry) => entry.run))
  let next = from
  const worker = async () => {
    while (next < from + runs) {
      const number = next++
      const scenario = scenarios[number % scenarios.length] ?? 'benign'
      const turn = Math.floor(number / scenarios.length)
      const name = `${String(number).padStart(4, '0')}-${scenario}`
      if (done.has(name)) continue
      const seconds = randomFrom(`seconds/${number}`).integer(40, 70)
      const holdout = isHeldOut(turn)
      try {
        const labels = await runScenario({ scenario, seed: number, name, folder, seconds, holdout, unseenTools: holdout, turn, say })
        index.push({
          run: name,
          scenario,
          seed: number,
          holdout,
          seconds,
          packets: labels.capture.packets,
          capture: `${name}.pcap.zst`,
          labels: `${name}.labels.json`,
          attacks: labels.attacks.map((attack) => ({ class: attack.class, tool: attack.tool, packets: attack.packets })),
        })
        writeIndex(folder, index)
        say(`dataset: ${index.length} runs are there`)
      } catch (error) {
        say(`${name} failed and is left out: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

function readIndex (folder: string): IndexEntry[] {
  const file = join(folder, 'index.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { runs: IndexEntry[] }).runs : []
}

/** Whoever reads it meanwhile sees the old one or the new one, never half of one. */
function writeIndex (folder: string, runs: readonly IndexEntry[]): void {
  const file = join(folder, 'index.json')
  writeFileSync(`${file}.new`, `{"runs": [\n${runs.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`)
  renameSync(`${file}.new`, file)
}
