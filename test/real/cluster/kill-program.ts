import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import type { KUBERNETES_PROGRAMS } from './control-plane.ts'
import { isAlive, processStart, Sandbox } from './sandbox.ts'

const POLL_MS = 10

/**
 * Ends a program of a cluster's control plane by SIGKILL; resolves when it is gone, to what starts it again as it was started before. What
 * it needs time for then, its callers wait for.
 */
export async function killProgram ({ keeper, folder, programs }: Cluster, name: (typeof KUBERNETES_PROGRAMS)[number]): Promise<() => void> {
  const path = join(programs, name)
  const found = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map((pid) => ({ pid: Number(pid), argv: argumentsOf(pid) }))
    .find(({ argv: [program, ...rest] }) => program === path && rest.some((argument) => argument.includes(folder)))
  const startedAt = found === undefined ? undefined : processStart(found.pid)
  if (found === undefined || startedAt === undefined) throw new Error(`no ${name} runs in the cluster of ${folder}; its log is logs/${name}.log there`)
  process.kill(found.pid, 'SIGKILL')
  while (isAlive({ pid: found.pid, startedAt })) await delay(POLL_MS)
  return () => Sandbox.of(keeper, join(folder, 'logs')).launch(name, path, ...found.argv.slice(1))
}

function argumentsOf (pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return [] // it ended meanwhile
  }
}
