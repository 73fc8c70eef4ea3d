import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pod } from '../pod.ts'

/** Of a machine with more to do than this laboratory. */
export const STARTS_WITHIN_MS = 60_000

/** A server that stays in the foreground, and a wait until its port answers. */
export async function serve (pod: Pod, command: string, port: number): Promise<void> {
  const server = pod.spawn(`exec ${command}`)
  const ended = server.done.then((outcome) => { throw new Error(`pod ${pod.name}: '${command.slice(0, 200)}' ended with ${outcome.code}: ${outcome.stderr}${outcome.stdout}`) })
  ended.catch(() => undefined) // only an end before the port answers is a failure
  await Promise.race([pod.listening(port, STARTS_WITHIN_MS), ended])
}

/** A file in the pod's folder; its path is returned. */
export const writeIn = (pod: Pod, name: string, lines: readonly string[]): string => {
  const file = join(pod.folder, name)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}
