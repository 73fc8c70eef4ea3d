import { once } from 'node:events'
import t from 'tap'
import { countersIn } from '../../../sidecar/proxy/dropped-counters.ts'
import { TABLE } from '../../../sidecar/proxy/redirect-rules.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { until } from '../../xds/real-envoy.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'
import { UID } from './pod-with-proxy.ts'

t.setTimeout(120_000)

const PORT = 8082
const FORGED = '10.67.0.77'
const SYNS = 200

t.test('a flood of half-open connections is held to its limit in the victim\'s network, open connections and the rest of its ports go on', { skip: skipShielded(['hping3']) }, async (t) => {
  const { victim, scanner, fleet, hold, sockets, agent } = await shieldedPod(t)
  for (const port of [PORT, 8083]) victim.spawn(`socat TCP-LISTEN:${port},fork,reuseaddr EXEC:cat`, { timeoutMs: 120_000 })
  await victim.must('sysctl -q -w net.ipv4.tcp_synack_retries=1') // the kernel gives up sooner
  await Promise.all([PORT, 8083].map((port) => victim.listening(port)))
  const open = await sockets.client.connect(victim.address, PORT)
  const says = async (word: string): Promise<string> => {
    open.write(word)
    return String((await once(open, 'data'))[0])
  }
  t.equal(await says('before'), 'before')
  /** What a flood from an address that answers nothing leaves half open. */
  const flood = async (): Promise<number> => {
    await scanner.run(`hping3 -q -S -p ${PORT} -a ${FORGED} -c ${SYNS} -i u1000 ${victim.address}`, { timeoutMs: 20_000 })
    return (await victim.must('ss -H -n -t state syn-recv')).split('\n').filter((line) => line.includes(FORGED)).length
  }
  t.ok(await flood() > SYNS / 2, 'without a limit')
  await hold(mitigationOf('flood', { subject: 'anySource', victims: [{ uid: UID, addresses: [victim.address] }], ports: [PORT], action: 'limit', limit: { value: 1, unit: 'connections/s', burst: 5 } }))
  t.match(fleet.statuses(), [{ mitigations: ['flood'], taken: ['flood'], shortfalls: [] }])
  const chain = (): Promise<string> => victim.must('nft list chain inet autoshield flood')
  await until(`the limit holds\n${agent.stderr}`, async () => (await chain()).includes('drop') || undefined)
  await until('the kernel has given up on the first flood', async () => !(await victim.must('ss -H -n -t state syn-recv')).includes(FORGED) || undefined, 90_000)
  const left = await flood()
  t.ok(left <= 10, `${left} of ${SYNS} half open`)
  t.ok((countersIn(await victim.must('nft -j list counters'), TABLE)?.get(PORT) ?? 0) > SYNS / 2, 'the kernel counts what it dropped')
  t.equal(await says('meanwhile'), 'meanwhile')
  t.ok(await sockets.client.connect(victim.address, 8083), 'a port that is not limited')
  fleet.apply([])
  await until(`the limit is lifted\n${agent.stderr}`, async () => !(await chain()).includes('drop') || undefined)
  t.equal(await says('after'), 'after')
})
