import { InvalidArgumentError } from 'commander'
import { port } from './context.ts'

/** Checks `HOST:PORT` or `[V6]:PORT`, for commander. */
export function hostPort (text: string): string {
  const { host } = split(text)
  if (host === '') throw new InvalidArgumentError('It must be HOST:PORT.')
  port(text.slice(text.lastIndexOf(':') + 1))
  return text
}

/** Parts of what `hostPort` let through; the host without brackets. */
export function split (text: string): { host: string, port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, Math.max(at, 0)).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}
