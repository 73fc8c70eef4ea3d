import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { loadModel } from '../adapters/onnx/load-model.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { OfflineDetector } from '../detector/offline.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { gpuOption, modelOption, modelTrust, type TrustFlags, trustOptions } from './model-option.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { recordedWindows } from './recorded-windows.ts'

const COLUMNS: readonly Column<Detection>[] = [
  { title: 'CLASS', of: (detection) => detection.class },
  { title: 'SOURCE', of: ({ source }) => source?.address ?? '*' },
  { title: 'TARGET', of: ({ target }) => target?.address ?? '*' },
  { title: 'CONFIDENCE', of: ({ confidence }) => `${(confidence * 100).toFixed(1)} %` },
  { title: 'FIRST SEEN', of: ({ firstSeen }) => firstSeen },
  { title: 'DELAY', of: ({ delaySeconds }) => delaySeconds === null ? '-' : `${delaySeconds.toFixed(1)} s` },
  { title: 'WHY', of: ({ explanation }) => explanation.sentence },
]

/** Who is taken to have seen a recording: the identity that replays have. */
const REPORTER = 'spiffe://autoshield.local/ns/replay/pod/replay'

export function detectCommand (context: CliContext, done: (status: number) => void): Command {
  return trustOptions(verb('detect', 'attacks in captures, as fast as they can be read, with no service running', [
    'autoshield detect capture.pcap',
    'autoshield detect *.pcap.zst -o json | jq -r .explanation.sentence',
  ]).argument('<capture...>', 'pcap or pcapng files, also packed as .gz or .zst').addOption(outputOption()).addOption(modelOption(context.settings)).addOption(gpuOption(context.settings)), context.settings)
    .addHelpText('after', 'Exit status 79 where an attack was found, 0 where none was.\n')
    .action(async (paths: string[], { output, model, gpu, ...flags }: { output: OutputFormat, model: string, gpu: boolean } & TrustFlags) => {
      await using scorer = await loadModel(model, { trust: await modelTrust(flags), useGpu: gpu, warn: (message) => context.stderr.write(`autoshield: ${message}\n`) })
      let found = 0
      for (const path of paths) {
        // Each capture is a world of its own: addresses and clocks of another say nothing about it.
        const detector = new OfflineDetector({ scorer, reporterOf: () => REPORTER, whois: () => null, newId: randomUUID })
        const printer = new RowPrinter(context.stdout, output, COLUMNS)
        const print = async (detections: readonly Detection[]): Promise<void> => {
          for (const detection of detections) {
            found++
            await printer.print(detection)
          }
        }
        for await (const windows of recordedWindows(path, context)) await print(await detector.take(windows))
        await print(detector.end())
        await printer.end(`${path}: nothing found`)
      }
      done(found > 0 ? EXIT.findings : EXIT.ok)
    })
}
