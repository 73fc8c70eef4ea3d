import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAuthority } from '../../certs/authority-folder.ts'
import { spiffeId, type Credentials } from '../../src/core/identity.ts'
import { connect } from '../../src/wire/tls.ts'
import { echoLoad, flood, follow, ingestLoad, paced } from './detector-load.ts'
import type { Start, Started } from './detector-process.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const FULL = { size: 64, warmUpMs: 2_000, forMs: 6_000 }
/** The load at which decisions are timed: a tenth of the aim of 30,000 windows/s, in small batches. */
const PACED = { size: 8, perSecond: 3_000, warmUpMs: 2_000, forMs: 6_000 }

const identity = { trustDomain: 'autoshield.bench', namespace: 'replay', uid: 'replay' }

/** Starts the detector on one core, where the machine has another for the load. */
function startProcess (): ChildProcess {
  const node = [process.execPath, join(import.meta.dirname, 'detector-process.ts')]
  const [command = '', ...args] = availableParallelism() > 1 ? ['taskset', '--cpu-list', '0', ...node] : node
  return spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

async function started (child: ChildProcess, credentials: Credentials): Promise<Started> {
  child.send({ model: join(import.meta.dirname, '../../models'), credentials } satisfies Start)
  const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit')]) as [Started | number]
  if (typeof answer === 'object') return answer
  throw new Error(`the detector ended with ${answer} before it served`)
}

/**
 * Windows over mutual TLS through tensors and model to a controller that follows every score: how many a second, beside
 * the scorer alone; and how long each takes at a tenth of the aim, beside a plain gRPC echo of the same batches.
 */
export async function detectorFigures (): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-bench-'))
  const child = startProcess()
  try {
    const authority = await openAuthority(folder, identity.trustDomain, { now: Date.now })
    const credentials = authority.issueWithKey({ identity, ip: ['127.0.0.1'] }, Date.now())
    const { detector, echo, scorerPerSecond } = await started(child, credentials)
    const perSecond = await fullSpeed(detector, credentials)
    const decision = await decisions(detector, credentials)
    const plain = await echoes(echo, credentials)
    const time = (name: string, share: number): Figure => {
      const [value, beside] = [quantile(decision, share), quantile(plain, share)]
      return { name: `decision.${name}`, value, unit: 'ms', beside: { name: 'plain gRPC echo of the same batches', value: beside }, ratio: value / beside }
    }
    return [
      { name: 'detector.windows_per_s', value: perSecond, unit: 'windows/s', beside: { name: 'the scorer alone, tensors/s', value: scorerPerSecond }, ratio: perSecond / scorerPerSecond },
      time('p50_ms', 0.5), time('p95_ms', 0.95), time('p99_ms', 0.99),
    ]
  } finally {
    child.kill()
    await rm(folder, { recursive: true })
  }
}

async function fullSpeed (detector: string, credentials: Credentials): Promise<number> {
  const client = connect(detector, credentials)
  try {
    return await flood(await ingestLoad(client, spiffeId(identity)), FULL)
  } finally {
    client.close()
  }
}

async function decisions (detector: string, credentials: Credentials): Promise<readonly number[]> {
  const [observer, controller] = [connect(detector, credentials), connect(detector, credentials)]
  try {
    let heard: (windows: number) => void = () => undefined
    await follow(controller, (windows) => heard(windows))
    return await paced(await ingestLoad(observer, spiffeId(identity)), { ...PACED, answers: (answered) => { heard = answered } })
  } finally {
    observer.close()
    controller.close()
  }
}

async function echoes (echo: string, credentials: Credentials): Promise<readonly number[]> {
  const client = connect(echo, credentials)
  try {
    const load = echoLoad(client)
    return await paced(load, { ...PACED, answers: (answered) => { load.onAnswered = (batches) => answered(batches * PACED.size) } })
  } finally {
    client.close()
  }
}
