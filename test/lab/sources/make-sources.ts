import { mkdir, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RECORDING_SUFFIX, recordAccounts, type Account } from '../../../models/training/window-recording.ts'
import { SOURCE_FOLDERS, type SourceName } from '../../../models/evaluation/source-folders.ts'
import type { RunLabels } from '../labels.ts'
import { captureRun } from '../run.ts'
import { packetAccounts } from './packet-accounts.ts'
import { WatchedPods } from './watched-pods.ts'

export interface SourcesOptions {
  /** Gets a folder for each source. */
  readonly folder: string
  readonly runs: number
  readonly seconds: number
  /** Of the first run; each further one has the next. */
  readonly seed: number
  readonly say: (line: string) => void
  /** Aborted: the run under way is the last. */
  readonly signal: AbortSignal
  /** How many pieces of ordinary traffic, where the seed does not draw it. */
  readonly loads?: number
  /** Whether a machine that was too busy for a comparison is a fault of the run; it is where nothing is said. */
  readonly paced?: boolean
}

const SCENARIO = 'behind-proxies'
/** Of its pod's steps, the least that a source must have looked at. */
const LEAST_LOOKS = 0.9

/**
 * Makes the runs that are not there yet, one after the other: the same attacks at the same time as packets, an access log and sockets show
 * them, as recordings of the same name in a folder for each source, with the same labels. A run that fails is told and left out; the next
 * call makes it. Returns how many are missing.
 */
export async function makeSources ({ folder, runs, seed, say, signal, ...options }: SourcesOptions): Promise<number> {
  for (const source of SOURCE_FOLDERS) await mkdir(join(folder, source), { recursive: true })
  let missing = 0
  for (let number = 0; number < runs; number++) {
    const run = { ...options, seed: seed + number, name: `${SCENARIO}-${seed + number}` }
    if (SOURCE_FOLDERS.every((source) => existsSync(labelsPath(folder, source, run.name)))) continue
    if (signal.aborted || !await makeRun(folder, run, say)) missing++
  }
  return missing
}

async function makeRun (folder: string, { paced = true, ...run }: Pick<SourcesOptions, 'seconds' | 'seed' | 'loads' | 'paced'> & { readonly name: string }, say: (line: string) => void): Promise<boolean> {
  const file = join(folder, `${run.name}.pcap`)
  let pods: WatchedPods | null = null
  try {
    await captureRun({
      ...run,
      paced,
      scenario: SCENARIO,
      unseen: true,
      holdout: true,
      file,
      say,
      up: () => undefined,
      watch: async (lab, { world }) => {
        pods = await WatchedPods.start(lab, world.settings.proxied)
        return pods
      },
    }, async (capture, labels) => {
      if (pods === null) throw new Error('no pod was watched')
      const seldom = paced ? pods.seldom(LEAST_LOOKS) : []
      if (seldom.length > 0) throw new Error(`${run.name}: ${seldom.join('; ')}: the machine is too busy for a comparison`)
      const watched = labels.pods.filter(({ name }) => labels.settings.proxied.includes(name))
      await keep(folder, labels, {
        packet: await packetAccounts(capture, watched, labels.endedMs),
        'access-log': pods.accounts('access-log', labels.startedMs),
        sockdiag: pods.accounts('sockdiag', labels.startedMs),
      }, say)
    })
    return true
  } catch (error) {
    say(`${run.name} is left out: ${error instanceof Error ? error.message : String(error)}`)
    return false
  } finally {
    await rm(file, { force: true })
  }
}

const labelsPath = (folder: string, source: SourceName, run: string): string => join(folder, source, `${run}.labels.json`)

/** Labels last: a run that was cut short is made again. */
async function keep (folder: string, labels: RunLabels, accounts: Readonly<Record<SourceName, readonly Account[]>>, say: (line: string) => void): Promise<void> {
  for (const source of SOURCE_FOLDERS) {
    const { bytes, windows } = await recordAccounts(accounts[source])
    await writeFile(join(folder, source, `${labels.run}${RECORDING_SUFFIX}`), bytes)
    say(`${labels.run}: ${windows} windows from ${source}`)
  }
  for (const source of SOURCE_FOLDERS) await writeFile(labelsPath(folder, source, labels.run), `${JSON.stringify(labels)}\n`)
  say(`${labels.run}: ${labels.attacks.map(({ tool, sentAs, packets }) => `${tool} (${sentAs}) ${packets}`).join(', ')}`)
}
