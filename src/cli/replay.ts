import { type Command, InvalidArgumentError, Option } from 'commander'
import { openCapture } from '../../sidecar/capture/open-capture.ts'
import { type CliContext, dataOption, EXIT, numberIn, verb } from './context.ts'
import { identityFolder, readDetectorAddress } from './data-folder.ts'
import { Progress } from './progress.ts'
import { runObserver } from './run-observer.ts'

/** How many times the recorded speed; `max` is as fast as the detector takes it. */
export function speed (text: string): number {
  if (text === 'max') return Infinity
  try {
    return numberIn(0, 10_000)(text)
  } catch {
    throw new InvalidArgumentError('It must be a number above 0 and at most 10000, or max.')
  }
}

export const speedOption = (): Option => new Option('--speed <factor>', 'times the recorded speed, or max').argParser(speed).default(1)

interface Flags { data: string, speed: number, detector?: string }

export function replayCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('replay', 'play a capture into the AutoShield that runs; all that rests on it is simulated', [
    'autoshield replay attack.pcap.zst',
    'autoshield replay attack.pcap.zst --speed 10',
  ]).argument('<capture>', 'pcap or pcapng, also packed as .gz or .zst').addOption(dataOption()).addOption(speedOption())
    .option('--detector <host:port>', 'the detector, where it is not the one that runs on --data')
    .action(async (path: string, { data, speed, detector }: Flags) => {
      const capture = openCapture(path, { signal: context.signal })
      using progress = new Progress(context)
      const observer = await runObserver({
        capture,
        source: 'pcap',
        ownAddresses: null,
        pacing: { kind: 'replay', speed },
        detector: detector ?? await readDetectorAddress(data),
        identity: identityFolder(data, 'replay'),
      }, context, ({ stats }) => progress.say(`replay: ${stats.windows.packets.toLocaleString('en')} packets, ${stats.windows.flows.toLocaleString('en')} flows, ${stats.windows.windows.toLocaleString('en')} windows`))
      progress[Symbol.dispose]()
      const { packets, flows, windows, malformed } = observer.stats.windows
      const count = (value: number): string => value.toLocaleString('en')
      context.stderr.write(`autoshield replay: ${path}: ${count(packets)} packets, ${count(flows)} flows, ${count(windows)} windows${malformed === 0 ? '' : `, ${count(malformed)} packets left out as malformed`}${capture.stats.cut === null ? '' : `; the file ${capture.stats.cut}`}\n`)
      done(EXIT.ok)
    })
}
