// One run of a data set in a process of its own, so that none holds another's clock up: `node one-run.ts FOLDER '{"name": ..., ...}'`, forked.
import { mkdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RECORDING_SUFFIX, recordWindows } from '../../models/training/window-recording.ts'
import { entryOf } from './dataset-index.ts'
import type { IndexEntry } from './dataset-index.ts'
import { removeFiles } from './lab.ts'
import { captureRun } from './run.ts'
import type { PlannedRun } from './schedule.ts'

/** What the process tells whoever forked it; `made` or `failed` is the last of it. */
export type RunMessage = { is: 'up' } | { is: 'said', line: string } | { is: 'made', entry: IndexEntry, line: string } | { is: 'failed', why: string }

async function makeRun (folder: string, work: string, run: PlannedRun, tell: (message: RunMessage) => void): Promise<void> {
  const { name } = run
  mkdirSync(work, { recursive: true })
  try {
    await captureRun({ ...run, file: join(work, 'capture.pcap'), say: (line) => { tell({ is: 'said', line }) }, up: () => { tell({ is: 'up' }) } }, async (capture, labels) => {
      const { bytes, windows } = await recordWindows(capture)
      await writeFile(join(folder, `${name}${RECORDING_SUFFIX}`), bytes)
      await writeFile(join(folder, `${name}.labels.json`), `${JSON.stringify(labels)}\n`)
      const attacks = labels.attacks.map((attack) => `${attack.tool} ${attack.packets}`).join(', ') || 'no attack'
      tell({ is: 'made', entry: entryOf(run, labels, { windows, bytes: bytes.length }), line: `${name}: ${windows} windows in ${bytes.length} bytes of ${labels.capture.packets} packets; ${attacks}` })
    })
  } catch (error) {
    tell({ is: 'failed', why: error instanceof Error ? error.message : String(error) })
  }
}

const [, program, folder = '', text = '{}'] = process.argv
if (program === import.meta.filename) {
  const run = JSON.parse(text) as PlannedRun
  const work = join(folder, `${run.name}.part`)
  const clear = () => { rmSync(work, { recursive: true, force: true }) }
  // Whoever forked it is gone, or has had enough: the laboratory goes with this process (see pod.ts).
  const abandoned = () => { clear(); removeFiles('own'); process.exit(1) }
  process.once('disconnect', abandoned)
  await makeRun(folder, work, run, (message) => { process.send?.(message) })
  clear()
  process.off('disconnect', abandoned)
  process.disconnect()
}
