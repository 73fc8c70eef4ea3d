import { create } from '@bufbuild/protobuf'
import t from 'tap'
import { ClusterSchema } from '../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { ListenerSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { CLUSTER, LISTENER } from '../../xds/resource-type.ts'
import { Session, type Outgoing } from '../../xds/session.ts'
import { createSnapshot, type Snapshot } from '../../xds/snapshot.ts'
import { DeltaSubscription, SotwSubscription, type Subscription } from '../../xds/subscription.ts'

/** A listener `name@cluster` for each, before clusters of these names. */
function snapshot (clusters: readonly string[], listeners: readonly string[]): Snapshot {
  return createSnapshot({
    clusters: clusters.map((name) => create(ClusterSchema, { name })),
    listeners: listeners.map((text) => create(ListenerSchema, { name: text.split('@')[0] ?? '', statPrefix: text.split('@')[1] ?? '' })),
  }, [])
}

interface Kind<S extends Subscription> {
  readonly open: (type: string) => S
  readonly ask: (subscription: S, nonce: string, error: string | null) => unknown
}
const DELTA: Kind<DeltaSubscription> = { open: () => new DeltaSubscription(), ask: (to, nonce, error) => to.receive({ nonce, error, subscribe: [], unsubscribe: [], initialVersions: {} }) }
const SOTW: Kind<SotwSubscription> = { open: (type) => new SotwSubscription(type), ask: (to, nonce, error) => to.receive({ nonce, error, names: [], version: '' }) }

/** A client of both types that has taken `first`; `step` answers what came and tells it. */
function client<S extends Subscription> ({ open, ask }: Kind<S>, first: Snapshot) {
  const session = new Session<S>(open, first)
  const say = (type: string, nonce: string, error: string | null) => {
    const subscription = session.subscription(type)
    if (subscription !== null) ask(subscription, nonce, error)
  }
  const out: Outgoing[] = []
  const pump = (): void => { for (let next = session.next(); next !== null; next = session.next()) out.push(next) }
  const show = ({ type, offer }: Outgoing) => `${type === CLUSTER ? 'clusters' : 'listeners'} ${[...offer.resources.map(({ name }) => name), ...offer.removed.map((name) => `-${name}`)].join(' ')}`
  const step = (error: string | null = null): string => {
    pump()
    const [next] = out.splice(0, 1)
    if (next === undefined) return 'nothing'
    say(next.type, next.nonce, error)
    return show(next)
  }
  for (const type of [CLUSTER, LISTENER]) say(type, '', null)
  while (step() !== 'nothing');
  return { session, step }
}

const wanted = {
  delta: ['clusters new', 'listeners web', 'clusters -old', 'nothing'],
  sotw: ['clusters new old', 'listeners web', 'clusters new -old', 'nothing'],
}
function kinds (each: <S extends Subscription>(name: keyof typeof wanted, kind: Kind<S>) => void): void {
  each('delta', DELTA)
  each('sotw', SOTW)
}

kinds((name, kind) => {
  t.test(`${name}: a cluster goes only when the listener that named it has been replaced`, async (t) => {
    const { session, step } = client(kind, snapshot(['old'], ['web@old']))
    session.update(snapshot(['new'], ['web@new']))
    t.same([step(), step(), step(), step()], wanted[name])
    t.equal(session.standing().state, 'in-sync')
  })

  t.test(`${name}: it stays while that listener is refused, and goes when another is taken`, async (t) => {
    const { session, step } = client(kind, snapshot(['old'], ['web@old']))
    session.update(snapshot(['new'], ['web@new']))
    step()
    t.equal(step('no'), 'listeners web')
    t.equal(step(), 'nothing')
    t.match(session.standing(), { state: 'rejected', message: 'no', final: true })
    session.update(snapshot(['new'], ['web@newer']))
    t.equal(step(), 'listeners web')
    t.match(step(), '-old')
    t.equal(session.standing().state, 'in-sync')
  })

  t.test(`${name}: one that comes back in time never leaves`, async (t) => {
    const { session, step } = client(kind, snapshot(['old'], ['web@old']))
    session.update(snapshot([], []))
    session.update(snapshot(['old'], ['web@old']))
    t.equal(step(), 'nothing')
    t.equal(session.standing().state, 'in-sync')
  })
})
