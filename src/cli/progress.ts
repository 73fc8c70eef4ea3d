import type { CliContext } from './context.ts'

/** One line on stderr that says how far long work is; redrawn at most five times a second, silent where stderr is no terminal. */
export class Progress implements Disposable {
  readonly #context: Pick<CliContext, 'stderr' | 'interactive'>
  #last = 0

  constructor (context: Pick<CliContext, 'stderr' | 'interactive'>) {
    this.#context = context
  }

  say (text: string): void {
    const now = performance.now()
    if (!this.#context.interactive || now - this.#last < 200) return
    this.#last = now
    this.#context.stderr.write(`\r\u001b[K${text}`)
  }

  [Symbol.dispose] (): void {
    if (this.#last > 0) this.#context.stderr.write('\r\u001b[K')
  }
}
