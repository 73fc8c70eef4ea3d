import { type Command, Option } from 'commander'
import { openLive } from '../../sidecar/capture/live-capture.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { hostPort, split } from './host-port.ts'
import { runObserver } from './run-observer.ts'

interface Flags { interface: string, address: string[], detector: string, identity: string, filter?: string }

export function observerCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('observer', 'watch one pod\'s traffic (run it in the pod\'s network namespace)', [
    'autoshield observer --interface eth0 --address 10.0.0.5 --detector 10.0.0.1:18001 --identity ./db-0-identity',
  ]).requiredOption('--interface <name>', 'network interface to watch')
    .requiredOption('--address <ip...>', 'the pod\'s own addresses')
    .addOption(new Option('--detector <host:port>', 'where the detector listens').argParser(hostPort).makeOptionMandatory())
    .requiredOption('--identity <dir>', 'folder of cert.pem, key.pem and ca.pem')
    .option('--filter <expression>', 'pcap filter; the observer\'s own stream to the detector is left out in any case')
    .action(async ({ interface: interfaceName, address, detector, identity, filter }: Flags) => {
      // Its own stream would be the loudest conversation of a quiet pod.
      const { host, port } = split(detector)
      const own = `not (tcp port ${port} and host ${host})`
      const capture = openLive({ interfaceName, signal: context.signal, filter: filter === undefined ? own : `(${filter}) and ${own}` })
      capture.ready.then(() => context.tellParent?.({ ready: true }), () => undefined) // the run rejects with the same
      await runObserver({ capture, source: 'packet', ownAddresses: address, pacing: { kind: 'live' }, detector, identity }, context)
      done(EXIT.ok)
    })
}
