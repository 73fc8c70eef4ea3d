import { classOfAddress } from './address-class.ts'
import type { AlertSettings } from './alert-settings.ts'

/** Whom messages may reach beside public addresses. */
export type Allowed = Pick<AlertSettings, 'privateHosts' | 'localHosts'>

/**
 * Whether a message to `host` may go to `address`, which is what is really connected to; the reason in words where not.
 *
 *     class of the address | host in privateHosts | host in localHosts | may
 *     public               | -                    | -                  | yes
 *     private              | yes                  | -                  | yes
 *     private              | no                   | yes                | yes
 *     private              | no                   | no                 | no
 *     local                | -                    | yes                | yes
 *     local                | -                    | no                 | no
 *     never                | -                    | -                  | no
 */
export function refusalOf (host: string, address: string, { privateHosts = [], localHosts = [] }: Allowed): string | null {
  const found = classOfAddress(address)
  const [isPrivate, isLocal] = [privateHosts, localHosts].map((hosts) => hosts.some((each) => sameHost(each, host)))
  switch (found) {
    case 'public': return null
    case 'private': return isPrivate === true || isLocal === true ? null : `${host} is at ${address}, a private address: name the host in privateHosts of the alert settings if it is meant`
    case 'local': return isLocal === true ? null : `${host} is at ${address}, which is this machine or its link: name the host in localHosts of the alert settings if it is meant`
    case 'never': return `${host} is at ${address}, which takes no messages, or hands out credentials`
  }
}

const plain = (host: string): string => host.toLowerCase().replace(/\.$/, '').replace(/^\[|\]$/g, '')
const sameHost = (left: string, right: string): boolean => plain(left) === plain(right)
