import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'

/** A way to an API server that a test can break. */
export interface BrokenWay {
  /** Of the same cluster and user, by this way. */
  readonly kubeconfig: string
  /** Ends every connection; new ones are made as before. */
  cut: () => void
  /** Lets nothing through any more, in either direction, without a word; `resume` is what it was. */
  hold: () => void
  resume: () => void
  /** Connections so far. */
  readonly connections: () => number
}

interface KubeconfigText { clusters: { cluster: { server: string, 'tls-server-name'?: string } }[] }

export async function brokenWay (t: Test, kubeconfig: string): Promise<BrokenWay> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as KubeconfigText
  const [first] = config.clusters
  if (first === undefined) throw new Error(`${kubeconfig} names no cluster`)
  const { hostname, port } = new URL(first.cluster.server)
  const sockets = new Set<Socket>()
  let held = false
  let connections = 0
  const server = createServer((near) => {
    connections++
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined) // its end follows
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (data) => { if (!held) far.write(data) })
    far.on('data', (data) => { if (!held) near.write(data) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  first.cluster.server = `https://127.0.0.1:${address.port}`
  first.cluster['tls-server-name'] = 'kubernetes.default.svc'
  const path = join(t.testdir({}), 'kubeconfig')
  await writeFile(path, stringify(config))
  return {
    kubeconfig: path,
    cut: () => { for (const socket of sockets) socket.destroy() },
    hold: () => { held = true },
    resume: () => { held = false },
    connections: () => connections,
  }
}
