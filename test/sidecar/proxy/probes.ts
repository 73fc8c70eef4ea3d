import { join } from 'node:path'
import { credentials, makeGenericClientConstructor, Server, ServerCredentials, type sendUnaryData, type ServiceDefinition } from '@grpc/grpc-js'
import type { Lab } from '../../lab/lab.ts'
import { PodSockets } from '../../lab/pod-sockets.ts'
import type { Pod } from '../../lab/pod.ts'
import { podHttpClient } from './shielded-pod.ts'

const bytes = (value: Buffer): Buffer => value
/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md: an empty request asks for the server as a whole; 1 is SERVING. */
const HEALTH = { Check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } } as const satisfies ServiceDefinition
const SERVING = Buffer.of(8, 1)
const Health = makeGenericClientConstructor(HEALTH, 'Health')

/** A gRPC server in a pod that says it is well. */
export async function grpcHealth (sockets: PodSockets, port: number): Promise<Disposable> {
  const server = new Server()
  server.addService(HEALTH, { Check: (_call: unknown, done: sendUnaryData<Buffer>) => done(null, SERVING) })
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const ear = await sockets.listen(port)
  ear.on('connection', (socket) => injector.injectConnection(socket))
  return { [Symbol.dispose]: () => server.forceShutdown() }
}

export type Probe = () => Promise<boolean>

/** What a kubelet asks of a pod, from the node's address, each time on a connection of its own. */
export function nodeProbes (lab: Lab, pod: Pod) {
  const sockets = new PodSockets(lab.gateway)
  let ways = 0
  return {
    http: (port: number): Probe => async () => {
      using client = podHttpClient(sockets, pod.address, port)
      const answer = await client.ask('/healthz').catch(() => null)
      return answer !== null && answer.status >= 200 && answer.status < 400
    },
    tcp: (port: number): Probe => async () => {
      const socket = await sockets.connect(pod.address, port).catch(() => null)
      socket?.destroy()
      return socket !== null
    },
    grpc: (port: number): Probe => {
      const way = join(lab.gateway.folder, `probe-${ways++}.sock`)
      const relay = lab.gateway.spawn(`socat UNIX-LISTEN:${way},fork TCP:${pod.address}:${port}`)
      const ready = lab.gateway.must(`until [ -S ${way} ]; do sleep 0.05; done`)
      relay.done.catch(() => undefined)
      return async () => {
        await ready
        const client = new Health(`unix:${way}`, credentials.createInsecure())
        try {
          const { promise, resolve } = Promise.withResolvers<boolean>()
          client.makeUnaryRequest(HEALTH.Check.path, bytes, bytes, Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error, value) => resolve(error === null && value?.equals(SERVING) === true))
          return await promise
        } finally {
          client.close()
        }
      }
    },
    [Symbol.asyncDispose]: () => sockets[Symbol.asyncDispose](),
  }
}
