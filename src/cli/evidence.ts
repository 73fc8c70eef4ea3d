import type { Command } from 'commander'
import { EvidenceFolder } from '../adapters/store/evidence-folder.ts'
import { readStore } from '../adapters/store/object-store.ts'
import type { EvidenceManifest } from '../core/errand/evidence.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { type Column, outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'

const COLUMNS: readonly Column<EvidenceManifest>[] = [
  { title: 'NAME', of: ({ errand }) => errand },
  { title: 'POD', of: ({ pod }) => `${pod.namespace}/${pod.name}` },
  { title: 'KEPT', of: ({ keptAt }) => keptAt },
  { title: 'FILES', of: ({ files }) => files.length },
  { title: 'MISSING', of: ({ missing }) => missing.map(({ what }) => what).join(',') },
  { title: 'DETECTION', of: ({ detection }) => detection },
]

export function evidenceCommand (context: CliContext, done: (status: number) => void): Command {
  const list = verb('list', 'what was kept of pods before they were evicted, newest first', ['autoshield evidence list']).addOption(dataOption()).addOption(outputOption())
    .action(async ({ data, output }: { data: string, output: OutputFormat }) => {
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const manifest of await new EvidenceFolder(data).list()) await printer.print(manifest)
      await printer.end('nothing was kept')
      done(EXIT.ok)
    })
  const show = verb('show', 'what one piece of evidence holds, and whether it is as it was kept', [
    'autoshield evidence show 91c0a2de77b41f08',
    'autoshield evidence show 91c0a2de77b41f08 --file pod.json',
  ]).argument('<name>').option('--file <name>', 'print this file').addOption(dataOption())
    .action(async (name: string, { data, file }: { data: string, file?: string }) => {
      const folder = new EvidenceFolder(data)
      if (file !== undefined) {
        context.stdout.write(await folder.read(name, file))
        done(EXIT.ok)
        return
      }
      const { manifest: { pod, keptAt, files, missing, detection }, sha256, changed } = await folder.look(name)
      const told = recordedHash(data, name)
      const lines = [
        `pod        ${pod.namespace}/${pod.name} (${pod.uid})`,
        `detection  ${detection}`,
        `kept       ${keptAt}`,
        `manifest   ${sha256} ${told === sha256 ? 'as in the store' : told === null ? 'of which the store knows nothing' : `CHANGED: the store says ${told}`}`,
        ...files.map((each) => `file       ${each.sha256} ${each.name}, ${each.bytes} bytes${changed.includes(each.name) ? ', CHANGED' : ''}`),
        ...missing.map(({ what, why }) => `missing    ${what}: ${why}`),
      ]
      context.stdout.write(`${lines.map(plain).join('\n')}\n`)
      done(changed.length > 0 || (told !== null && told !== sha256) ? EXIT.findings : EXIT.ok)
    })
  return verb('evidence', 'look at what was kept of pods before they were evicted', ['autoshield evidence list']).addCommand(list).addCommand(show)
}

function recordedHash (data: string, name: string): string | null {
  using store = readStore(data)
  const task = store.errands.get(name)?.task
  return task?.type === 'eviction' ? task.evidence?.sha256 ?? null : null
}
