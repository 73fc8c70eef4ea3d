import { backoffMs } from '../src/core/backoff.ts'
import type { Resource } from '../src/core/kubernetes/resource.ts'
import type { KubernetesApi, Scope, WatchEvent } from '../src/ports/kubernetes.ts'
import { wait } from '../src/wire/wait.ts'

/** `failed`: something that a try a moment later may mend kept it from being as it should. */
export type Reconciled = 'done' | 'failed'

export interface ReconcileOptions {
  readonly api: KubernetesApi
  readonly resource: Resource
  readonly scope: Scope
  /** Also without any news: what is due by the clock, and what a lost event would have told. */
  readonly everyMs: number
  /** What else calls for it. */
  readonly also?: (listener: () => void) => Disposable
  /** Must not throw. */
  readonly reconcile: () => Promise<Reconciled>
}

/** Few do this, so they need not be kept from returning in step. */
const [AGAIN_MS, IN_STEP] = [500, 1]

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted

/**
 * Reconciles at the start, after each change, and every `everyMs`, one at a time, until the signal aborts. What failed is tried again
 * sooner: a watch that goes on where it broke off tells nothing of what was there before.
 */
export async function reconcileUntil (signal: AbortSignal, { api, resource, scope, everyMs, also, reconcile }: ReconcileOptions): Promise<void> {
  let changed = Promise.withResolvers<WatchEvent['type'] | 'also'>()
  const following = also?.(() => changed.resolve('also'))
  const watching = (async () => {
    for await (const { type } of api.watch(resource, scope, signal)) changed.resolve(type)
  })()
  for (let failures = 0; isLive(signal);) {
    const waitMs = failures === 0 ? everyMs : backoffMs(failures - 1, IN_STEP, { baseMs: AGAIN_MS, maxMs: everyMs })
    const rested = new AbortController()
    await Promise.race([changed.promise, wait(waitMs, AbortSignal.any([signal, rested.signal]))])
    rested.abort()
    changed = Promise.withResolvers()
    if (isLive(signal)) failures = await reconcile() === 'failed' ? failures + 1 : 0
  }
  following?.[Symbol.dispose]()
  await watching
}

/** One object by its name. */
export const scopeOf = (name: string, namespace: string): Scope => ({ namespace, fieldSelector: `metadata.name=${name}` })
