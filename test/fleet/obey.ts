import { createInterface } from 'node:readline'

/** The other side of a `ToldProcess`: one command after the other, each answered with a line; an error ends the process. */
export async function obey (answer: (line: string) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`)
  }
  process.exit(0) // who told it is gone
}
