import { openCapture } from '../../sidecar/capture/open-capture.ts'
import { WindowExtractor } from '../../src/core/window/window-extractor.ts'
import type { Window } from '../../src/core/window/window.ts'

/**
 * All windows of a capture, of every key, in the order in which they closed. With `shiftMs` as if everything had happened that much later:
 * windows are aligned to the clock, so the same packets then fall into other windows.
 */
export async function captureWindows (path: string, shiftMs = 0): Promise<Window[]> {
  const extractor = new WindowExtractor({ ownAddresses: null })
  const windows: Window[] = []
  for await (const chunk of openCapture(path)) {
    extractor.push(shiftMs === 0 ? chunk : { ...chunk, timesMs: chunk.timesMs.map((time) => time + shiftMs) })
    windows.push(...extractor.take())
  }
  windows.push(...extractor.flush())
  return windows
}
