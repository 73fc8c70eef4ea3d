import t from 'tap'
import { LISTENER, RESOURCE_ORDER } from '../../xds/resource-type.ts'
import type { TypeResources } from '../../xds/snapshot.ts'
import { DeltaSubscription, SotwSubscription, type DeltaAsk, type SotwAsk, type Subscription } from '../../xds/subscription.ts'

/** `world('a1 b2')`: a at version 1 and b at version 2. */
function world (text: string): TypeResources {
  const resources = text.split(' ').filter((word) => word !== '').map((word) => ({ name: word.slice(0, 1), version: word.slice(1), body: { $typeName: 'google.protobuf.Any' as const, typeUrl: LISTENER, value: new Uint8Array() } }))
  return { version: text, resources: new Map(resources.map((resource) => [resource.name, resource])) }
}

/** What goes out, e.g. `a1 b2 -c`; `nothing` where nothing is sent, `empty` for an empty response. */
function send (subscription: Subscription, current: TypeResources, nonce: string): string {
  const offer = subscription.offer(current)
  if (offer === null) return 'nothing'
  subscription.sent(nonce, offer)
  return [...offer.resources.map(({ name, version }) => name + version), ...offer.removed.map((name) => `-${name}`)].join(' ') || 'empty'
}

function standing (subscription: Subscription, current: TypeResources): string {
  const gap = subscription.gap(current)
  return gap === null ? 'in-sync' : gap === 'pending' ? 'pending' : gap.refusals.join('; ')
}

/** One step: what the client says (or `idle`), what holds then, what must go out, how it stands after that. */
interface Step<Ask> { ask: Partial<Ask> | 'idle', world: string, out: string, standing?: string }

const ACK = (nonce: number): Partial<DeltaAsk & SotwAsk> => ({ nonce: String(nonce) })
const NACK = (nonce: number, error: string): Partial<DeltaAsk & SotwAsk> => ({ nonce: String(nonce), error })

const DELTA: Record<string, Step<DeltaAsk>[]> = {
  'a wildcard gets all, then only what changed': [
    { ask: {}, world: 'a1 b1', out: 'a1 b1', standing: 'pending' },
    { ask: ACK(1), world: 'a1 b1', out: 'nothing', standing: 'in-sync' },
    { ask: 'idle', world: 'a2 b1 c1', out: 'a2 c1', standing: 'pending' },
    { ask: ACK(2), world: 'a2 b1 c1', out: 'nothing', standing: 'in-sync' },
    { ask: 'idle', world: 'a2 c1', out: '-b', standing: 'pending' },
    { ask: ACK(3), world: 'a2 c1', out: 'nothing', standing: 'in-sync' },
  ],
  'the first request is answered even by nothing': [
    { ask: {}, world: '', out: 'empty' },
    { ask: ACK(1), world: '', out: 'nothing', standing: 'in-sync' },
  ],
  'a slow client gets the newest state, and what lay between never': [
    { ask: {}, world: 'a1', out: 'a1' },
    { ask: 'idle', world: 'a2', out: 'nothing' },
    { ask: 'idle', world: 'a3 b1', out: 'nothing' },
    { ask: ACK(1), world: 'a3 b1', out: 'a3 b1' },
    { ask: ACK(2), world: 'a3 b1', out: 'nothing', standing: 'in-sync' },
  ],
  'a refused version is not sent again; its words stay until it is replaced': [
    { ask: {}, world: 'a1 b1', out: 'a1 b1' },
    { ask: NACK(1, 'Error adding listener(s) b: no'), world: 'a1 b1', out: 'nothing', standing: 'Error adding listener(s) b: no' },
    { ask: 'idle', world: 'a2 b1', out: 'a2' },
    { ask: ACK(2), world: 'a2 b1', out: 'nothing', standing: 'Error adding listener(s) b: no' },
    { ask: 'idle', world: 'a2 b2', out: 'b2' },
    { ask: ACK(3), world: 'a2 b2', out: 'nothing', standing: 'in-sync' },
  ],
  'a resource that the words do not name was taken': [
    { ask: {}, world: 'a1 b1', out: 'a1 b1' },
    { ask: NACK(1, 'b: no'), world: 'a1', out: '-b' },
    { ask: ACK(2), world: 'a1', out: 'nothing', standing: 'in-sync' },
  ],
  'words that name nobody refuse the whole response': [
    { ask: {}, world: 'a1', out: 'a1' },
    { ask: NACK(1, 'DUPLICATE'), world: 'a1', out: 'nothing', standing: 'DUPLICATE' },
    { ask: 'idle', world: '', out: '-a' },
    { ask: ACK(2), world: '', out: 'nothing', standing: 'in-sync' },
  ],
  'going back to the version that the client kept is sent, for it cannot be known to hold': [
    { ask: {}, world: 'a1', out: 'a1' },
    { ask: ACK(1), world: 'a2', out: 'a2' },
    { ask: NACK(2, 'no'), world: 'a1', out: 'a1' },
    { ask: ACK(3), world: 'a1', out: 'nothing', standing: 'in-sync' },
  ],
  'a reconnecting client with the same versions gets an empty answer': [
    { ask: { initialVersions: { a: '1', b: '1' } }, world: 'a1 b1', out: 'empty' },
    { ask: ACK(1), world: 'a1 b1', out: 'nothing', standing: 'in-sync' },
  ],
  'a reconnecting client gets what changed and loses what went': [
    { ask: { initialVersions: { a: '1', b: '1' } }, world: 'a2', out: 'a2 -b' },
    { ask: ACK(1), world: 'a2', out: 'nothing', standing: 'in-sync' },
  ],
  'a reconnecting client that names what it keeps is not sent it again': [
    { ask: { subscribe: ['a', 'b'], initialVersions: { a: '1' } }, world: 'a1 b1', out: 'b1' },
  ],
  'names get what they name, and are told what does not exist': [
    { ask: { subscribe: ['a', 'x'] }, world: 'a1 b1', out: 'a1 -x' },
    { ask: ACK(1), world: 'a1 b1', out: 'nothing' },
    { ask: 'idle', world: 'a1 b1 x1', out: 'x1' },
  ],
  'a name that is asked for again is sent again': [
    { ask: { subscribe: ['a'] }, world: 'a1', out: 'a1' },
    { ask: ACK(1), world: 'a1', out: 'nothing' },
    { ask: { subscribe: ['a'] }, world: 'a1', out: 'a1' },
  ],
  'an unsubscribed name is not sent any more': [
    { ask: { subscribe: ['a', 'b'] }, world: 'a1 b1', out: 'a1 b1' },
    { ask: { ...ACK(1), unsubscribe: ['b'] }, world: 'a1 b2', out: 'nothing' },
    { ask: 'idle', world: 'a1', out: 'nothing', standing: 'in-sync' },
    { ask: { subscribe: ['b'] }, world: 'a1 b2', out: 'b2' },
  ],
  'a name unsubscribed under a wildcard is told what holds': [
    { ask: { subscribe: ['*', 'a', 'x'] }, world: 'a1', out: 'a1 -x' },
    { ask: { ...ACK(1), unsubscribe: ['a', 'x'] }, world: 'a1', out: 'a1 -x' },
  ],
  'unsubscribing the wildcard keeps the names': [
    { ask: { subscribe: ['*', 'a'] }, world: 'a1 b1', out: 'a1 b1' },
    { ask: { ...ACK(1), unsubscribe: ['*'] }, world: 'a1 b2', out: 'nothing' },
    { ask: 'idle', world: 'a2 b2', out: 'a2' },
  ],
  'a stale nonce answers nothing, but subscribes': [
    { ask: { subscribe: ['a'] }, world: 'a1 b1', out: 'a1' },
    { ask: { nonce: 'old', error: 'no', subscribe: ['b'] }, world: 'a1 b1', out: 'nothing', standing: 'pending' },
    { ask: ACK(1), world: 'a1 b1', out: 'b1' },
  ],
  'removed and added again': [
    { ask: {}, world: 'a1', out: 'a1' },
    { ask: ACK(1), world: '', out: '-a' },
    { ask: ACK(2), world: 'a1', out: 'a1' },
    { ask: ACK(3), world: 'a1', out: 'nothing', standing: 'in-sync' },
  ],
}

const SOTW: Record<string, Step<SotwAsk>[]> = {
  'a wildcard gets everything at every change': [
    { ask: {}, world: 'a1 b1', out: 'a1 b1', standing: 'pending' },
    { ask: ACK(1), world: 'a1 b1', out: 'nothing', standing: 'in-sync' },
    { ask: 'idle', world: 'a2 b1', out: 'a2 b1' },
    { ask: ACK(2), world: 'a2', out: 'a2 -b' },
    { ask: ACK(3), world: 'a2', out: 'nothing', standing: 'in-sync' },
    { ask: 'idle', world: '', out: '-a' },
  ],
  'the first request is answered even by nothing': [
    { ask: {}, world: '', out: 'empty' },
    { ask: ACK(1), world: '', out: 'nothing', standing: 'in-sync' },
  ],
  'a refused version is not sent again; with the next change everything is': [
    { ask: {}, world: 'a1 b1', out: 'a1 b1' },
    { ask: NACK(1, 'b: no'), world: 'a1 b1', out: 'nothing', standing: 'b: no' },
    { ask: 'idle', world: 'a2 b1', out: 'a2 b1' },
    { ask: NACK(2, 'b: still no'), world: 'a2 b1', out: 'nothing', standing: 'b: still no' },
    { ask: 'idle', world: 'a2 b2', out: 'a2 b2' },
    { ask: ACK(3), world: 'a2 b2', out: 'nothing', standing: 'in-sync' },
  ],
  'a NACK is told by its error alone, whatever the version says': [
    { ask: {}, world: 'a1', out: 'a1' },
    { ask: { ...ACK(1), version: 'older' }, world: 'a1', out: 'nothing', standing: 'in-sync' },
  ],
  'a reconnecting wildcard with the newest version is sent nothing': [
    { ask: { version: 'a1 b1' }, world: 'a1 b1', out: 'nothing', standing: 'in-sync' },
    { ask: 'idle', world: 'a2 b1', out: 'a2 b1' },
  ],
  'a reconnecting wildcard with an older version is sent everything': [
    { ask: { version: 'a0' }, world: 'a1 b1', out: 'a1 b1' },
  ],
  'a reconnecting client that names is sent everything: it may have named others before': [
    { ask: { version: 'a1 b1', names: ['a'] }, world: 'a1 b1', out: 'a1' },
  ],
  'a stale request is ignored as a whole': [
    { ask: { names: ['a'] }, world: 'a1 b1', out: 'a1' },
    { ask: { nonce: 'old', names: ['a', 'b'] }, world: 'a1 b1', out: 'nothing', standing: 'pending' },
    { ask: { ...ACK(1), names: ['a'] }, world: 'a1 b1', out: 'nothing' },
  ],
  'a changed list of names is answered at once; a second answer to one nonce is no answer': [
    { ask: { names: ['a'] }, world: 'a1 b1', out: 'a1' },
    { ask: { ...ACK(1), names: ['a'] }, world: 'a1 b1', out: 'nothing' },
    { ask: { ...ACK(1), names: ['a', 'b'] }, world: 'a1 b1', out: 'a1 b1' },
    { ask: { ...ACK(2), names: ['b'] }, world: 'a1 b1', out: 'nothing' },
    { ask: 'idle', world: 'a2 b1', out: 'nothing' },
    { ask: 'idle', world: 'b1', out: 'nothing', standing: 'in-sync' },
  ],
}

const NO_DELTA: DeltaAsk = { nonce: '', error: null, subscribe: [], unsubscribe: [], initialVersions: {} }

function play<Ask extends DeltaAsk | SotwAsk> (t: Tap, subscription: Subscription & { receive: (ask: Ask) => unknown }, empty: Ask, steps: readonly Step<Ask>[]): void {
  let nonce = 0
  for (const [index, { ask, world: text, out, standing: stands }] of steps.entries()) {
    if (ask !== 'idle') subscription.receive({ ...empty, ...ask })
    const sent = send(subscription, world(text), String(nonce + 1))
    if (sent !== 'nothing') nonce++
    t.equal(sent, out, `step ${index + 1} sends`)
    if (stands !== undefined) t.equal(standing(subscription, world(text)), stands, `step ${index + 1} stands`)
  }
}
type Tap = Pick<typeof t, 'equal'>

for (const [name, steps] of Object.entries(DELTA)) {
  t.test(`delta: ${name}`, async (t) => play<DeltaAsk>(t, new DeltaSubscription(), NO_DELTA, steps))
}
for (const [name, steps] of Object.entries(SOTW)) {
  t.test(`state of the world: ${name}`, async (t) => play<SotwAsk>(t, new SotwSubscription(LISTENER), { nonce: '', error: null, names: [], version: '' }, steps))
}

t.test('what changed and could not be sent yet leaves the client behind', async (t) => {
  const subscription = new DeltaSubscription()
  subscription.receive({ ...NO_DELTA })
  send(subscription, world('a1 b1'), '1')
  subscription.receive({ ...NO_DELTA, nonce: '1' })
  t.same(['a1 b1', 'a1 b2', 'a1', 'a1 b1 c1'].map((text) => standing(subscription, world(text))), ['in-sync', 'pending', 'pending', 'pending'])
})

t.test('state of the world, other types: what is gone cannot be said, and an empty response is never sent', async (t) => {
  const [, endpoint = ''] = RESOURCE_ORDER
  play<SotwAsk>(t, new SotwSubscription(endpoint), { nonce: '', error: null, names: [], version: '' }, [
    { ask: { names: ['a', 'b'] }, world: '', out: 'nothing' },
    { ask: 'idle', world: 'a1', out: 'a1' },
    { ask: { ...ACK(1), names: ['a', 'b'] }, world: 'b1', out: 'b1' },
    { ask: { ...ACK(2), names: ['a', 'b'] }, world: 'b1', out: 'nothing', standing: 'in-sync' },
  ])
})
