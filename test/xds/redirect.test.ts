import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { Lab, missingForLab } from '../lab/lab.ts'
import type { Pod } from '../lab/pod.ts'
import { skipWithout } from '../setup/tools.ts'
import { Laboratory } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from './real-envoy.ts'
import { relay } from './relay.ts'

const skip = skipWithout([...missingForLab(['socat', 'nft']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
const REDIRECT_PORT = 15_006
t.setTimeout(120_000) // a busy machine starts Envoys slowly
/** The xDS server's port as the pod sees it. */
const RELAY_PORT = 18_000

/** What comes back on a connection: the application's greeting with the address that it saw, or nothing. */
const visit = async (from: Pod, to: Pod, port: number): Promise<'served' | 'refused'> =>
  (await from.run(`socat -u -T 2 TCP:${to.address}:${port},connect-timeout=2 -`, { timeoutMs: 5000 })).stdout.startsWith('220 ready') ? 'served' : 'refused'

const dial = (path: string): Promise<Socket | undefined> => new Promise((resolve) => {
  const socket = connect(path, () => resolve(socket)).on('error', () => resolve(undefined)) // nobody listens yet
})

t.test('behind a redirect every port passes, and restrictions hold on the ports that they name', { skip }, async (t) => {
  await using lab = await Lab.start({
    pods: [{ name: 'victim', address: '10.66.0.1' }, { name: 'scanner', address: '10.66.0.2' }, { name: 'guesser', address: '10.66.0.3' }, { name: 'client', address: '10.66.0.4' }],
  })
  const [victim, scanner, guesser, client] = ['victim', 'scanner', 'guesser', 'client'].map((name) => lab.pod(name)) as [Pod, Pod, Pod, Pod]
  await using laboratory = await Laboratory.start()
  const { fleet } = laboratory
  for (const port of [8080, 8081]) victim.spawn(`socat TCP-LISTEN:${port},fork,reuseaddr SYSTEM:'echo 220 ready'`, { timeoutMs: 60_000 })
  victim.spawn('socat TCP-LISTEN:8082,fork,reuseaddr EXEC:cat', { timeoutMs: 60_000 })
  await Promise.all([8080, 8081, 8082].map((port) => victim.listening(port)))
  await victim.must(`nft -f - <<'END'
    table inet autoshield {
      chain inbound { type nat hook prerouting priority dstnat; meta l4proto tcp redirect to :${REDIRECT_PORT}; }
    }
END`)
  await using stack = new AsyncDisposableStack()
  stack.use(await relay(victim, RELAY_PORT, () => laboratory.port))
  fleet.setProxies([{ podUid: 'victim', inbound: { mode: 'redirect', port: REDIRECT_PORT } }])
  await using envoy = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(RELAY_PORT), credentials: laboratory.credentials('victim'), networkOf: victim.pid })
  const settled = (what: string) => until(`${what}: ${JSON.stringify(fleet.statuses())}\n${envoy.stderr}`, () => fleet.statuses().find(({ state }) => state === 'in-sync'))
  const becomes = (from: Pod, port: number, wanted: 'served' | 'refused') =>
    until(`${from.name} is ${wanted} on ${port}\n${envoy.stderr}`, async () => await visit(from, victim, port) === wanted ? true : undefined)
  await settled('the first configuration')
  for (const from of [scanner, guesser, client]) for (const port of [8080, 8081]) await becomes(from, port, 'served')

  const way = join(client.folder, 'talk.sock')
  client.spawn(`socat UNIX-LISTEN:${way} TCP:${victim.address}:8082`, { timeoutMs: 60_000 })
  const friend = await until('the client\'s way in is there', () => dial(way))
  const talk = async (word: string) => {
    friend.write(word)
    const answer = await Promise.race([once(friend, 'data'), once(friend, 'close')])
    t.equal(String(answer[0]), word, 'an innocent connection goes on')
  }
  await talk('before')

  fleet.apply([
    mitigationOf('scanner', { subject: { uid: 'scanner', addresses: [scanner.address] }, ports: 'any' }),
    mitigationOf('guesser', { subject: { uid: 'guesser', addresses: [guesser.address] }, ports: [8080] }),
  ])
  await settled('the restrictions')
  await becomes(scanner, 8080, 'refused')
  await becomes(scanner, 8081, 'refused')
  await becomes(guesser, 8080, 'refused')
  t.equal(await visit(guesser, victim, 8081), 'served', 'a port that the restriction does not name')
  t.equal(await visit(client, victim, 8080), 'served')
  t.equal(await visit(client, victim, 8081), 'served')
  t.equal(await visit(client, victim, REDIRECT_PORT), 'refused', 'the redirect\'s own port goes round in no circle')

  await talk('during')

  fleet.apply([])
  await settled('the undo')
  await talk('after')
  friend.destroy()
  for (const from of [scanner, guesser]) await becomes(from, 8080, 'served')
})
