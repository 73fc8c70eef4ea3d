import { InvalidArgumentError } from 'commander'
import { port } from './context.ts'

/** Checks `HOST:PORT` or `[V6]:PORT`, for commander. */
export function hostPort (text: string): string {
  const { host } = split(text)
  if (host === '') throw new InvalidArgumentError('It must be HOST:PORT.')
  port(text.slice(text.lastIndexOf(':') + 1))
  return text
}

/** The host without brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Parts of what `hostPort` let through. */
export function split (text: string): HostPort {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, Math.max(at, 0)).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}
