import type { Writable } from 'node:stream'
import { once } from 'node:events'
import { Option } from 'commander'
import { stringify } from 'yaml'

const FORMATS = ['table', 'json', 'yaml'] as const
export type OutputFormat = (typeof FORMATS)[number]

export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'how to print; json is one object a line').choices(FORMATS).default('table')

export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string | number
}

/** Prints rows one at a time, so that a long listing needs no memory; waits where the reader is slow. */
export class RowPrinter<T> {
  readonly #stdout: Writable
  readonly #format: OutputFormat
  readonly #columns: readonly Column<T>[]
  readonly #held: string[][] = []

  constructor (stdout: Writable, format: OutputFormat, columns: readonly Column<T>[]) {
    this.#stdout = stdout
    this.#format = format
    this.#columns = columns
  }

  async print (row: T): Promise<void> {
    switch (this.#format) {
      case 'json': return this.#write(`${JSON.stringify(row)}\n`)
      case 'yaml': return this.#write(`---\n${stringify(row)}`)
      case 'table': this.#held.push(this.#columns.map((column) => plain(String(column.of(row)))))
    }
  }

  /** A table's columns are as wide as their widest cell, so it is printed here; `empty` is said where there is no row. */
  async end (empty: string): Promise<void> {
    if (this.#format !== 'table') return
    if (this.#held.length === 0) return this.#write(`${empty}\n`)
    const lines = [this.#columns.map((column) => column.title), ...this.#held]
    const widths = this.#columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
    await this.#write(lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd()).join('\n') + '\n')
  }

  async #write (text: string): Promise<void> {
    if (!this.#stdout.write(text)) await once(this.#stdout, 'drain')
  }
}

/** Names and reasons come from the network: a control character in one must not drive the reader's terminal. */
export const plain = (text: string): string => text.replace(/\p{Cc}/gu, '?')
