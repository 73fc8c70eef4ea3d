import type { LineCounter } from 'yaml'
import type { Problem } from './problem.ts'

/** More than this help nobody, and a hostile file could hold thousands. */
const MAX_PROBLEMS = 100

/** Collects the problems of one file, so that its author sees all of them at once. */
export class Findings {
  /** The whole file. */
  readonly text: string
  readonly #file: string
  readonly #lines: LineCounter
  readonly #problems: Problem[] = []

  constructor (file: string, text: string, lines: LineCounter) {
    this.text = text
    this.#file = file
    this.#lines = lines
  }

  /** `offset` counts characters from the start of the file. */
  add (offset: number, path: string, message: string, mend: string): void {
    if (this.#problems.length >= MAX_PROBLEMS) return
    const { line, col: column } = this.#lines.linePos(offset)
    this.#problems.push({ file: this.#file, line: Math.max(1, line), column: Math.max(1, column), path, message, mend })
  }

  lineOf (offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line)
  }

  /** In the order of the file. */
  get problems (): readonly Problem[] {
    return this.#problems.toSorted((left, right) => left.line - right.line || left.column - right.column)
  }
}
