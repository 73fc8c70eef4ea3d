import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { pino } from 'pino'
import { Authority, createAuthority } from '../../certs/authority.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import type { ExplicitPort, ProxySpec } from '../../xds/proxy-spec.ts'
import { Fleet, type FleetOptions } from '../../xds/fleet.ts'
import { XdsServer, type XdsServerOptions } from '../../xds/server.ts'
import type { SnapshotSource } from '../../xds/snapshot-source.ts'

const trustDomain = 'xds.test'

/** A port that was free a moment ago. */
export async function freePort (address = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** An application that greets, as a mail server does, and echoes. */
export async function greeter (port = 0): Promise<{ port: number, connections: () => number } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server = createServer((socket) => {
    connections++
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy()))
    socket.write('220 ready\r\n')
    socket.pipe(socket)
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

export type Visit = 'served' | 'refused'

/** One connection from an address of loopback's own: served with the greeting, or closed without a byte. */
export async function visit (from: string, port: number): Promise<Visit> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from })
  try {
    return await new Promise<Visit>((resolve, reject) => {
      socket.once('data', () => resolve('served'))
      socket.once('close', () => resolve('refused'))
      socket.on('error', (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' || error.code === 'ECONNREFUSED' ? resolve('refused') : reject(error))
    })
  } finally {
    socket.destroy()
  }
}

/** Keeps a connection open; `echo` sends a line and waits for it to come back. */
export async function stay (from: string, port: number): Promise<{ echo: (line: string) => Promise<string>, echoBytes: (count: number) => Promise<void>, closed: Promise<unknown> } & Disposable> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from }).setEncoding('utf8').on('error', () => socket.destroy())
  const closed = once(socket, 'close')
  await once(socket, 'data')
  return {
    echo: async (line) => {
      socket.write(line)
      const text = await Promise.race([once(socket, 'data'), closed])
      return String(text[0])
    },
    echoBytes: async (count) => {
      socket.write(Buffer.alloc(count, 'x'))
      for (let back = 0; back < count;) {
        const text = await Promise.race([once(socket, 'data'), closed.then(() => { throw new Error('closed') })])
        back += String(text[0]).length
      }
    },
    closed,
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** What a test may say of the server; the rest is the laboratory's. */
type LaboratoryRules = Partial<Omit<XdsServerOptions, 'fleet' | 'credentials' | 'trustDomain' | 'listen' | 'log'>>

/** Our xDS server on loopback with a CA of its own, before a fleet. */
export class Laboratory implements AsyncDisposable {
  readonly clock = { now: () => Date.now() }
  readonly fleet = this.newFleet()
  readonly #authority = new Authority(createAuthority(trustDomain, Date.now()))
  #stop = new AbortController()
  #ran: Promise<void> = Promise.resolve()
  port = 0
  server: XdsServer | undefined

  static async start (rules: LaboratoryRules = {}): Promise<Laboratory> {
    const laboratory = new Laboratory()
    await laboratory.serve(laboratory.fleet, rules)
    return laboratory
  }

  /** Of a pod in the namespace `test`; a certificate lives a day from when it was issued. */
  credentials (uid: string, { domain = trustDomain, namespace = 'test', issuedMs = Date.now() } = {}): Credentials {
    return this.#authority.issueWithKey({ identity: { trustDomain: domain, namespace, uid } }, issuedMs)
  }

  /** Starts a server; a second one, on the port of the first, stands for a restart. */
  async serve (fleet: SnapshotSource, rules: LaboratoryRules = {}): Promise<void> {
    const credentials = this.#authority.issueWithKey({ identity: { trustDomain, namespace: 'autoshield', uid: 'xds' }, dns: ['xds.test'], ip: ['127.0.0.1'] }, Date.now())
    this.server = new XdsServer({ fleet, credentials: fixedCredentials(credentials), trustDomain, listen: { host: '127.0.0.1', port: this.port }, log: pino({ level: 'silent' }), ...rules })
    this.#ran = this.server.run(this.#stop.signal)
    this.port = await this.server.port
  }

  /** As a process that has just begun would have it. */
  newFleet (options: Pick<FleetOptions, 'configure'> = {}): Fleet {
    return new Fleet({ ...options, clock: this.clock, defaultInbound: { mode: 'redirect', port: 15_006 } })
  }

  /** Drains the servers that run and waits for their end; `serve` starts another on the same port. */
  async stop (): Promise<void> {
    this.#stop.abort()
    await this.#ran
    this.#stop = new AbortController()
  }

  [Symbol.asyncDispose] (): Promise<void> {
    return this.stop()
  }
}

/** One port of the pod `victim` before the application at `upstream`. */
export function explicitProxy (podUid: string, ports: readonly ExplicitPort[]): ProxySpec {
  return { podUid, inbound: { mode: 'explicit', ports } }
}
