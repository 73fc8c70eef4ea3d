/** Beats until the signal aborts, then ends; gives the number of the beat, from 0. */
export type Every = (ms: number, signal: AbortSignal) => AsyncIterable<number>

/** Acts at each beat; resolves when the signal has aborted. */
export async function atEachBeat (every: Every, ms: number, signal: AbortSignal, act: (beat: number) => unknown): Promise<void> {
  for await (const beat of every(ms, signal)) await act(beat)
}
