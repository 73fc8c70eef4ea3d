import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { MARK, type Family } from './answer-rules.ts'

const run = promisify(execFile)
const COMMAND_MS = 2_000

/** Number of the routing table, and where its rule stands: before those that others may have made for the pod's addresses. */
const [TABLE, PREFERENCE] = [15_007, 30]

const FAMILIES = {
  ip: { flag: '-4', os: 'IPv4', somewhere: '192.0.2.1' }, // RFC 5737
  ip6: { flag: '-6', os: 'IPv6', somewhere: '2001:db8::1' }, // RFC 3849
} as const satisfies Record<Family, object>

/** Families for which the way stands, and in the words of `ip` why not for another that the pod has an address of. */
export interface Ways {
  readonly families: readonly Family[]
  readonly why: string
}

/**
 * Sees to it that marked packets are delivered to the pod itself: a rule and a route for each family. Unlike the redirect they outlive
 * who made them; left alone they do nothing, for only the redirect's own table marks packets, and the next that comes finds them.
 */
export async function openReturnWays (): Promise<Ways> {
  const families: Family[] = []
  const faults: string[] = []
  for (const family of ['ip', 'ip6'] as const) {
    const addresses = ownAddresses(family)
    if (addresses.length === 0) continue
    try {
      if (!await leadsBack(family, addresses)) await open(family)
      if (await leadsBack(family, addresses)) families.push(family)
      else faults.push(`another rule of ${FAMILIES[family].os} routing comes first`)
    } catch (error) {
      faults.push(wordsOf(error))
    }
  }
  return { families, why: faults.join('; ') }
}

/** What cannot be removed is left, and does nothing. */
export async function closeReturnWays (): Promise<void> {
  for (const family of ['ip', 'ip6'] as const) {
    for (const what of [['rule', 'del', ...RULE], ['route', 'del', ...ROUTE]]) await ip(family, what).catch(() => '')
  }
}

const RULE = ['pref', String(PREFERENCE), 'fwmark', String(MARK), 'lookup', String(TABLE)]
const ROUTE = ['local', 'default', 'dev', 'lo', 'table', String(TABLE)]

async function open (family: Family): Promise<void> {
  await ip(family, ['route', 'replace', ...ROUTE])
  await ip(family, ['rule', 'add', ...RULE]).catch((error: unknown) => { if (!wordsOf(error).includes('File exists')) throw error })
}

/** Of interfaces other than loopback; link-local ones are the link's. */
const ownAddresses = (family: Family): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((all = []) => all).filter((each) => each.family === FAMILIES[family].os && !each.internal && !each.address.startsWith('fe80:')).map(({ address }) => address)

const Routes = Compile(Type.Array(Type.Object({ type: Type.Optional(Type.String()), dev: Type.String() })))

/** Asks the kernel where an answer of each address would go to. */
async function leadsBack (family: Family, addresses: readonly string[]): Promise<boolean> {
  for (const address of addresses) {
    const routes: unknown = JSON.parse(await ip(family, ['route', 'get', FAMILIES[family].somewhere, 'from', address, 'mark', String(MARK)]).catch(() => '[]')) // to nowhere
    if (!Routes.Check(routes) || routes.length === 0 || !routes.every(({ type, dev }) => type === 'local' && dev === 'lo')) return false
  }
  return true
}

async function ip (family: Family, what: readonly string[]): Promise<string> {
  return (await run('ip', ['-j', FAMILIES[family].flag, ...what], { timeout: COMMAND_MS })).stdout
}

function wordsOf (error: unknown): string {
  const words = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' && error.stderr !== '' ? error.stderr : error instanceof Error ? error.message : String(error)
  return words.trim().replaceAll('\n', ' ').slice(0, 200)
}
