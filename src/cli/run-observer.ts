import { randomBytes, randomInt, X509Certificate } from 'node:crypto'
import { FolderCredentials } from '../../certs/credential-folder.ts'
import type { Capture } from '../../sidecar/capture/capture.ts'
import { Observer } from '../../sidecar/observer.ts'
import { PacketSource } from '../../sidecar/packet-source.ts'
import { RecordingSource } from '../../sidecar/recording-source.ts'
import { Uplink, type UplinkEvent } from '../../sidecar/uplink/uplink.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { identityOfPeer } from '../core/identity.ts'
import type { CliContext } from './context.ts'
import { Parts } from './parts.ts'

export interface ObserverRun {
  readonly capture: Capture
  readonly source: 'pcap' | 'packet'
  /** null for a replay. */
  readonly ownAddresses: readonly string[] | null
  readonly pacing: { readonly kind: 'live' } | { readonly kind: 'replay', readonly speed: number }
  /** `HOST:PORT`. */
  readonly detector: string
  /** Folder of the identity. */
  readonly identity: string
}

/** Its `stats` are cumulative. */
export type RunningSource = PacketSource | RecordingSource

/** An observer over mTLS to a detector, until its source ends or it is stopped. */
export async function runObserver (run: ObserverRun, context: CliContext, each?: (source: RunningSource) => void): Promise<RunningSource> {
  const say = (text: string): void => { context.stderr.write(`autoshield observer: ${text}\n`) }
  const credentials = await FolderCredentials.open(run.identity, { clock: systemClock, warn: say })
  const { subjectAltName: subjectaltname } = new X509Certificate(credentials.current().certificate)
  const identity = identityOfPeer({ subjectaltname })
  if (identity === null) throw new AutoshieldError('BAD_DATA', `the certificate in ${run.identity} names no pod; make one with 'autoshield identity issue'.`)
  const uplink = new Uplink({
    detector: run.detector,
    credentials,
    reporter: { identity, source: run.source, version: context.version, ownAddresses: run.ownAddresses ?? [], simulated: run.pacing.kind === 'replay' },
    bootId: randomBytes(16),
    clock: systemClock,
    random: Math.random,
    onEvent: (event) => say(describe(event, run.detector)),
  })
  const source = sourceOf(run, uplink)
  const observer = new Observer({ sources: [source], uplink, persistence: null })
  const timer = setInterval(() => each?.(source), 200)
  await using parts = new Parts()
  parts.start((signal) => credentials.run(signal))
  try {
    await parts.orFailure(observer.run(context.signal))
  } finally {
    clearInterval(timer)
  }
  return source
}

function sourceOf ({ capture, ownAddresses, pacing }: ObserverRun, uplink: Uplink): RunningSource {
  const seed = randomInt(2 ** 31)
  return pacing.kind === 'live'
    ? new PacketSource({ open: async () => capture, ownAddresses, clock: systemClock, seed })
    : new RecordingSource({ capture, speed: pacing.speed, below: async (windows, signal) => uplink.below(windows, signal), clock: systemClock, seed })
}

/** The uplink's events, for people. */
export function describe (event: UplinkEvent, detector: string): string {
  switch (event.type) {
    case 'connected': return `connected to the detector at ${detector}`
    case 'disconnected': return `the detector at ${detector} is away (${event.code}: ${event.details}); next try in ${Math.round(event.retryMs)} ms`
  }
}
