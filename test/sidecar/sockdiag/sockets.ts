import { parseSocket, type SocketReport } from '../../../sidecar/sockdiag/socket-report.ts'

/** A socket as ss tells it: `ESTAB 10.0.0.1:4000 10.0.0.2:80` andwhat follows. */
export function socket (text: string, protocol: 'tcp' | 'udp' = 'tcp'): SocketReport {
  const [state = '', local = '', peer = '', ...details] = text.split(/\s+/)
  const report = parseSocket(`${protocol} ${state} 0 0 ${local} ${peer} ${details.join(' ')}`)
  if (report === null) throw new Error(`no socket: ${text}`)
  return report
}

export const POD = '10.0.0.1'
export const PEER = '10.0.0.2'
