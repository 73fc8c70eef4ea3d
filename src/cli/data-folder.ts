import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { AutoshieldError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'

export const TRUST_DOMAIN = 'autoshield.local'

type Role = 'detector' | 'controller' | 'xds' | 'webhook'

/** Identities of AutoShield's own parts, which belong to no pod. `namespace` is its own. */
export const systemIdentities = ({ trustDomain, namespace }: Pick<Identity, 'trustDomain' | 'namespace'>): Readonly<Record<Role, Identity>> => {
  const of = (uid: Role): Identity => ({ trustDomain, namespace, uid })
  return { detector: of('detector'), controller: of('controller'), xds: of('xds'), webhook: of('webhook') }
}

/** Those of the standalone mode. */
export const SYSTEM_IDENTITIES = {
  ...systemIdentities({ trustDomain: TRUST_DOMAIN, namespace: 'autoshield' }),
  replay: { trustDomain: TRUST_DOMAIN, namespace: 'replay', uid: 'replay' },
} as const satisfies Record<string, Identity>

export const authorityFolder = (data: string): string => join(data, 'ca')
export const identityFolder = (data: string, name: string): string => join(data, 'identities', name)

/** Where a running `up` is reached by observers, for `autoshield replay`. */
const Endpoints = Type.Object({ detector: Type.String() })
const endpointsFile = (data: string): string => join(data, 'endpoints.json')

export async function writeDetectorAddress (data: string, detector: string): Promise<void> {
  await writeFile(endpointsFile(data), `${JSON.stringify({ detector })}\n`)
}

/** Throws NOT_FOUND where no `up` has run in this folder. */
export async function readDetectorAddress (data: string): Promise<string> {
  const file = endpointsFile(data)
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (Check(Endpoints, value)) return value.detector
    throw new AutoshieldError('BAD_DATA', `${file} names no detector`)
  } catch (cause) {
    throw new AutoshieldError('NOT_FOUND', `no detector is known in ${data} (${AutoshieldError.from(cause).message}); start one with 'autoshield up --data ${data}', or name one with --detector.`, { cause })
  }
}
