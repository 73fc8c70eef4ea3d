import { openCapture } from '../../sidecar/capture/open-capture.ts'
import type { Window } from '../core/window/window.ts'
import { WindowExtractor } from '../core/window/window-extractor.ts'
import type { CliContext } from './context.ts'
import { Progress } from './progress.ts'

/** The windows of a capture file, by the code that watches live traffic; what could not be read is said on stderr at the end. */
export async function * recordedWindows (path: string, context: Pick<CliContext, 'stderr' | 'interactive' | 'signal'>): AsyncGenerator<Window[], void, undefined> {
  const capture = openCapture(path, { signal: context.signal })
  const extractor = new WindowExtractor({ ownAddresses: null })
  {
    using progress = new Progress(context)
    for await (const chunk of capture) {
      extractor.push(chunk)
      yield extractor.take()
      const { bytesRead, totalBytes, packets } = capture.stats
      progress.say(`${path}: ${totalBytes === null ? '' : `${Math.floor(100 * bytesRead / Math.max(1, totalBytes))} %, `}${packets.toLocaleString('en')} packets, ${extractor.stats.flows.toLocaleString('en')} flows`)
    }
    yield extractor.flush()
  }
  const { malformed, packets } = extractor.stats
  if (capture.stats.cut !== null) context.stderr.write(`autoshield: ${path} ${capture.stats.cut}; the ${packets.toLocaleString('en')} packets before were used.\n`)
  if (malformed > 0) context.stderr.write(`autoshield: ${path}: ${malformed.toLocaleString('en')} of ${packets.toLocaleString('en')} packets are malformed or cut too short, and were left out.\n`)
}
