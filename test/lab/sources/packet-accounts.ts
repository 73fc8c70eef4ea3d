import { openCapture } from '../../../sidecar/capture/open-capture.ts'
import type { Account } from '../../../models/training/window-recording.ts'
import { WindowExtractor } from '../../../src/core/window/window-extractor.ts'
import type { Window } from '../../../src/core/window/window.ts'
import type { Place } from '../place.ts'

/**
 * What a packet observer in each of these pods would have told by `untilMs`, from a capture of all that passed between pods: each of its
 * own pod's keys alone, and only windows that were closed.
 */
export async function packetAccounts (capture: string, pods: readonly Place[], untilMs: number): Promise<Account[]> {
  const observers = pods.map(({ name, addresses }) => ({ observer: name, extractor: new WindowExtractor({ ownAddresses: [...addresses] }), windows: [] as Window[] }))
  for await (const chunk of openCapture(capture)) {
    for (const { extractor, windows } of observers) {
      extractor.push(chunk)
      windows.push(...extractor.take())
    }
  }
  return observers.map(({ observer, extractor, windows }) => ({ observer, windows: [...windows, ...extractor.close(untilMs)] }))
}
