import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** The Go program in `cyclonus-oracle`: a question is a line of JSON, an answer a line of digits. */
export class Oracle implements AsyncDisposable {
  readonly #child
  readonly #answers

  constructor (program: string) {
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  }

  /** Sends all questions at once; the answers come in their order. */
  async ask (questions: readonly object[]): Promise<string[]> {
    this.#child.stdin.write(questions.map((question) => `${JSON.stringify(question)}\n`).join(''))
    const answers: string[] = []
    while (answers.length < questions.length) {
      const { done, value } = await this.#answers.next()
      if (done === true) throw new Error('cyclonus ended before it answered')
      answers.push(value)
    }
    return answers
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }
}
