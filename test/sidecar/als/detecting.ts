import type { Test } from 'tap'
import { GrpcScoreSource } from '../../../src/adapters/bus/grpc-score-source.ts'
import type { RestrictionCount } from '../../../src/core/mitigation/restriction-count.ts'
import { Detector } from '../../../src/detector/detector.ts'
import { DEFAULT_LIMITS } from '../../../src/detector/limits.ts'
import { scopeFromPods } from '../../../src/detector/reporter-scope.ts'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { identityOf, type Root, TRUST_DOMAIN } from '../../certs/samples.ts'
import { FakeScorer } from '../../detector/stage.ts'
import { UID } from '../proxy/pod-with-proxy.ts'

const clock = { now: Date.now }

/** The port of a detector on this machine's loopback, for the observer of one pod, which `follow` is told of as the controller is. */
export async function detecting (t: Test, root: Root, address: string, follow: (counts: readonly RestrictionCount[]) => void): Promise<number> {
  const stop = new AbortController()
  const pod = { uid: UID, namespace: 'shop', name: 'cart-0', addresses: [address], labels: {}, node: 'n1' }
  const { promise: listening, resolve } = Promise.withResolvers<string>()
  const detector = new Detector({
    scorer: new FakeScorer(),
    credentials: fixedCredentials(root.issue('detector')),
    listen: '127.0.0.1:0',
    scopeOf: scopeFromPods({ list: () => [pod], byAddress: () => pod, byUid: () => pod }, { trustDomain: TRUST_DOMAIN }),
    mayWatch: ({ uid }) => uid === 'controller',
    clock,
    onListening: resolve,
    limits: { ...DEFAULT_LIMITS, holdMs: 0 },
  })
  const running = detector.run(stop.signal)
  const endpoint = await listening
  const source = new GrpcScoreSource({ detector: endpoint, credentials: fixedCredentials(root.issue('controller')), server: identityOf('detector'), random: Math.random })
  const watch = async (): Promise<void> => {
    for await (const event of source.watch({ floor: 1, everyKey: false }, stop.signal)) if (event.type === 'restrictions') follow(event.counts)
  }
  const watching = watch()
  t.teardown(async () => {
    stop.abort()
    await Promise.all([watching, running])
    source[Symbol.dispose]()
  })
  return Number(endpoint.split(':')[1])
}
