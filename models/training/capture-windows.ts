import { openCapture } from '../../sidecar/capture/open-capture.ts'
import { WindowExtractor } from '../../src/core/window/window-extractor.ts'
import type { Window } from '../../src/core/window/window.ts'

/** All windows of a capture, of every key, in the order in which they closed. */
export async function captureWindows (path: string): Promise<Window[]> {
  const extractor = new WindowExtractor({ ownAddresses: null })
  const windows: Window[] = []
  for await (const chunk of openCapture(path)) {
    extractor.push(chunk)
    windows.push(...extractor.take())
  }
  windows.push(...extractor.flush())
  return windows
}
