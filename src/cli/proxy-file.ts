import { readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import { AutoshieldError } from '../core/errors.ts'

const port = Type.Integer({ minimum: 1, maximum: 65535 })
const SocketAddress = Type.Object({ address: Type.String(), port }, { additionalProperties: false })
const ProxyFile = Compile(Type.Array(Type.Object({
  podUid: Type.String({ minLength: 1 }),
  inbound: Type.Union([
    Type.Object({ mode: Type.Literal('explicit'), ports: Type.Array(Type.Object({ listen: SocketAddress, upstream: SocketAddress }, { additionalProperties: false }), { minItems: 1 }) }, { additionalProperties: false }),
    Type.Object({ mode: Type.Literal('redirect'), port }, { additionalProperties: false }),
  ]),
  outbound: Type.Optional(Type.Object({ port }, { additionalProperties: false })),
  httpPorts: Type.Optional(Type.Array(port)),
  cutsSockets: Type.Optional(Type.Boolean()),
}, { additionalProperties: false })))

/** Reads which pods have an Envoy, how connections reach it and which of them speak HTTP, as a ProxySpec says it. Throws NOT_FOUND or BAD_DATA with the place. */
export async function readProxyFile (path: string): Promise<readonly ProxySpec[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AutoshieldError('NOT_FOUND', `the proxy file ${path} cannot be read (${AutoshieldError.from(cause).message}); name another with --proxies, or leave it out.`, { cause })
  })
  const value = parse(text, path)
  if (ProxyFile.Check(value)) return value
  const [first] = ProxyFile.Errors(value)
  throw new AutoshieldError('BAD_DATA', `${path}: ${first?.instancePath ?? ''} ${first?.message ?? 'is not a list of proxies'}; write [{"podUid": "db-0", "inbound": {"mode": "redirect", "port": 15006}}].`)
}

function parse (text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} is no JSON (${AutoshieldError.from(cause).message}); correct it there.`, { cause })
  }
}
