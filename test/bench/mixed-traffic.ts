import { ethernet, icmp, tcp, udp } from '../core/flow/packet-builder.ts'

/** A conversation's packets as frames, each sent by the client (true) or the server. Frames are shared: they are only read. */
type Script = readonly Uint8Array[]

/** Random numbers that are the same in every run (mulberry32, public domain, Tommy Ettinger). */
function randomFrom (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Frames of a busy node, endlessly: a few hundred conversations at a time, chosen by chance, of web requests, database sessions,
 * name look-ups, bulk copies, pings, refused connections, a port scan and a flood of forged sources; a tenth of it IPv6.
 */
export function * mixedTraffic (seed: number, atOnce = 400): Generator<Uint8Array, never, undefined> {
  const random = randomFrom(seed)
  const running = Array.from({ length: atOnce }, () => ({ script: nextScript(random), at: 0 }))
  for (;;) {
    const one = running[Math.floor(random() * atOnce)]
    if (one === undefined) continue
    const frame = one.script[one.at++]
    if (frame !== undefined) yield frame
    else Object.assign(one, { script: nextScript(random), at: 0 })
  }
}

function nextScript (random: () => number): Script {
  const below = (limit: number): number => Math.floor(random() * limit)
  const v6 = below(10) === 0
  const pod = (): string => v6 ? `[fd00::${(1 + below(200)).toString(16)}]` : `10.1.${below(4)}.${1 + below(50)}`
  const client = `${pod()}:${32_768 + below(28_000)}`
  const server = pod()
  const kind = below(100)
  if (kind < 45) return connection(client, `${server}:${[80, 443, 8080][below(3)] ?? 80}`, 1 + below(3), 200 + below(600), 1 + below(6), 1448)
  if (kind < 60) return connection(client, `${server}:5432`, 5 + below(20), 80 + below(200), 1, 300)
  if (kind < 75) return lookUp(client, `${server}:53`, 30 + below(30))
  if (kind < 80) return connection(client, `${server}:873`, 1, 100, 60 + below(200), 1448)
  if (kind < 85) return ping(client, server, below(65_536))
  if (kind < 90) return refused(client, `${server}:${1 + below(1000)}`)
  if (kind < 95) return Array.from({ length: 20 }, () => refused('10.1.9.9:51000', `10.1.0.7:${1 + below(20_000)}`)).flat()
  return Array.from({ length: 20 }, () => ethernet(tcp({ from: `172.${16 + below(16)}.${below(256)}.${below(256)}:${1024 + below(60_000)}`, to: '10.1.0.3:80', flags: 'S', mss: 1460 })))
}

function connection (client: string, server: string, requests: number, requestBytes: number, answerPackets: number, answerBytes: number): Script {
  const up = (flags: string, payload = 0, mss = 0): Uint8Array => ethernet(tcp({ from: client, to: server, flags, payload, mss }))
  const down = (flags: string, payload = 0, mss = 0): Uint8Array => ethernet(tcp({ from: server, to: client, flags, payload, mss }))
  const [request, answer, upAck, downAck] = [up('PA', requestBytes), down('PA', answerBytes), up('A'), down('A')]
  const exchange = [request, downAck, ...Array.from({ length: answerPackets }, (_, at) => at % 2 === 1 ? [answer, upAck] : [answer]).flat(), upAck]
  return [up('S', 0, 1460), down('SA', 0, 1460), upAck, ...Array.from({ length: requests }, () => exchange).flat(), up('FA'), down('FA'), upAck]
}

function lookUp (client: string, server: string, bytes: number): Script {
  return [ethernet(udp({ from: client, to: server, payload: bytes })), ethernet(udp({ from: server, to: client, payload: 3 * bytes }))]
}

function refused (client: string, server: string): Script {
  return [ethernet(tcp({ from: client, to: server, flags: 'S', mss: 1460 })), ethernet(tcp({ from: server, to: client, flags: 'RA' }))]
}

function ping (client: string, server: string, identifier: number): Script {
  const v6 = client.startsWith('[')
  const [ask, answer] = v6 ? [128, 129] : [8, 0]
  return Array.from({ length: 4 }, () => [
    ethernet(icmp({ from: client, to: server, type: ask, identifier, payload: 56 })),
    ethernet(icmp({ from: server, to: client, type: answer, identifier, payload: 56 })),
  ]).flat()
}
