import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AutoshieldError } from '../../src/core/errors.ts'
import { RECORDING_SUFFIX } from './window-recording.ts'
import { parseRunLabels, type Attack, type RunLabels } from './run-labels.ts'

/** A labelled capture or recording, where it comes from and what may be done with it. */
export interface Run {
  readonly capture: string
  readonly labels: RunLabels
  readonly source: string
  readonly licence: string
}

/** The laboratory's runs in a folder that test/lab wrote: RUN.labels.json, and RUN.windows.zst or RUN.pcap.zst. */
export async function laboratoryRuns (folder: string): Promise<Run[]> {
  const files = (await readdir(folder).catch((error: unknown) => { throw new AutoshieldError('NOT_FOUND', `${folder} cannot be read as a folder of labelled captures: ${String(error)}`) })).sort()
  return await Promise.all(files.filter((name) => name.endsWith('.labels.json')).map(async (file) => {
    const path = join(folder, file)
    const capture = [RECORDING_SUFFIX, '.pcap.zst', '.pcap'].map((suffix) => basename(file, '.labels.json') + suffix).find((name) => files.includes(name))
    if (capture === undefined) throw new AutoshieldError('NOT_FOUND', `${path} has neither recording nor capture beside it; remove it, or make the run again with npm run lab`)
    const labels = parseRunLabels(await readFile(path, 'utf8'), path)
    return { capture: join(folder, capture), labels, source: 'laboratory (test/lab)', licence: 'Apache-2.0' }
  }))
}

/** Licences under which a capture of somebody else may shape a model that is shipped. The others are for checking. */
const SHIPPABLE = /^(MIT|BSD-3|Apache-2\.0)$/

/**
 * Captures of others, from a folder with a MANIFEST.tsv (class, source, curated_file, attack_pairs, licence and more) and the files it names.
 * A whole capture is one attack on its pairs, or benign. Those that may not be trained on come as holdout.
 * `classes`: those that are taken; captures of others, such as mixtures, are left out.
 */
export async function collectedRuns (folder: string, classes: readonly string[]): Promise<Run[]> {
  const manifest = await readFile(join(folder, 'MANIFEST.tsv'), 'utf8').catch((error: unknown) => { throw new AutoshieldError('NOT_FOUND', `${folder} has no MANIFEST.tsv that says what its captures are: ${String(error)}`) })
  const [head = '', ...lines] = manifest.trimEnd().split('\n')
  const columns = head.split('\t')
  return lines.flatMap((line) => {
    const cells = line.split('\t')
    const cell = (name: string): string => cells[columns.indexOf(name)] ?? ''
    const file = cell('curated_file')
    if (!/\.(pcap|pcapng|cap)(\.zst|\.gz)?$/.test(file) || !classes.includes(cell('class'))) return []
    const attacks = attacksOf(cell('class'), cell('attack_pairs'), cell('source'))
    const labels = {
      run: basename(file).replace(/\.pcap.*$/, ''),
      startedMs: 0,
      scenario: `${cell('source')} ${cell('class')}`,
      holdout: !SHIPPABLE.test(cell('licence')),
      pods: new Set<string>(),
      suspects: new Set(attacks.flatMap(({ legs }) => legs.map(({ source }) => source))),
      attacks,
      benign: [],
    }
    return [{ capture: join(folder, file), labels, source: cell('source'), licence: cell('licence') }]
  })
}

function attacksOf (name: string, pairs: string, tool: string): Attack[] {
  if (name === 'BENIGN') return []
  const legs = pairs.split(/[,; ]+/).filter((pair) => pair.includes('>')).map((pair) => {
    const [source = '', target = ''] = pair.split('>')
    const [destination = '', port] = /^[\d.]+:\d+$/.test(target) ? target.split(':') : [target]
    return { source, destination, ports: port === undefined ? null : [Number(port)] }
  })
  return [{ class: name, enoughPackets: null, tool, service: 'any', manner: 'plain', rate: null, sentAs: null, legs, firstPacketMs: -Infinity, lastPacketMs: Infinity, residueUntilMs: Infinity }]
}
