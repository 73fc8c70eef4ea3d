import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A kubeconfig whose API server is a port that nobody listens on. */
export async function deadCluster (t: Test): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  const folder = mkdtempSync(join(tmpdir(), 'autoshield-dead-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'kubeconfig')
  writeFileSync(path, JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'dead',
    contexts: [{ name: 'dead', context: { cluster: 'dead', user: 'dead' } }],
    clusters: [{ name: 'dead', cluster: { server: `https://127.0.0.1:${port}` } }],
    users: [{ name: 'dead', user: { token: 'none' } }],
  }))
  return path
}
