import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lifetime } from '../real/cluster/test-cluster.ts'

const AGAIN_AFTER_MS = 200

/** A `kubectl port-forward` that forwards: its ports on loopback, in the order of what was asked for, and its end. */
interface Laid { readonly ports: readonly number[], readonly ended: Promise<undefined> }

/**
 * Ports on this machine's loopback that lead to these of a pod, until the test ends. kubectl ends at the first connection that the pod
 * resets (kubernetes/kubernetes 111825), as ours does with whoever is not let in: it is then laid again on the same ports.
 *
 * @param argv kubectl and its arguments, up to what has the ports
 */
export async function portForward (t: Lifetime, argv: readonly string[], wanted: readonly number[]): Promise<readonly number[]> {
  const over = new AbortController()
  let kept = Promise.resolve()
  t.teardown(async () => {
    over.abort()
    await kept
  })
  const first = await lay(argv, wanted.map((port) => `:${port}`), over.signal)
  kept = keep(first, async () => lay(argv, wanted.map((port, at) => `${first.ports[at] ?? 0}:${port}`), over.signal), over.signal)
  return first.ports
}

async function keep (first: Laid, again: () => Promise<Laid>, over: AbortSignal): Promise<void> {
  let laid: Laid | null = first
  for (;;) {
    await laid?.ended
    if (over.aborted) return
    laid = await again().catch(async () => delay(AGAIN_AFTER_MS, null))
  }
}

async function lay ([kubectl = '', ...args]: readonly string[], pairs: readonly string[], over: AbortSignal): Promise<Laid> {
  const child = spawn(kubectl, [...args, ...pairs], { stdio: ['ignore', 'pipe', 'inherit'], signal: over })
  const [{ promise, resolve, reject }, ended] = [Promise.withResolvers<Laid>(), Promise.withResolvers<undefined>()]
  child.once('error', reject)
  child.once('close', () => {
    reject(new Error('kubectl port-forward ended before it forwarded'))
    ended.resolve(undefined)
  })
  const ports = new Map<string, number>()
  // Read to the end: it says a line for each connection, and would wait for a pipe that is full.
  createInterface(child.stdout).on('line', (line) => {
    const [, from, to = ''] = /^Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)$/.exec(line) ?? []
    if (from !== undefined) ports.set(to, Number(from))
    if (ports.size === pairs.length) resolve({ ended: ended.promise, ports: pairs.map((pair) => ports.get(pair.split(':')[1] ?? '') ?? 0) })
  })
  return promise
}
