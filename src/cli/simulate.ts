import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { CLASSES } from '../core/classes.ts'
import { AutoshieldError } from '../core/errors.ts'
import { runChild } from './child-process.ts'
import { type CliContext, EXIT, port, verb, wholeNumberIn } from './context.ts'

const LABORATORY = fileURLToPath(new URL('../../test/lab/main.ts', import.meta.url))

interface Flags { type?: string, scenario?: string, duration: number, seed: number, data: string, dashboardPort: number, apiPort: number }

/** `lateral-movement`: the laboratory names its scenarios so. */
const TYPES = CLASSES.filter((name) => name !== 'BENIGN').map((name) => name.toLowerCase().replaceAll('_', '-'))
/** Names under which a scenario is looked for, too. */
const ALSO: Readonly<Record<string, string>> = { 'port-scanning': 'port-scan', 'syn-flooding': 'syn-flood', 'password-guessing': 'brute-force', exfiltration: 'data-exfiltration' }

export function simulateCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('simulate', 'real attack tools against the whole loop, in a laboratory of network namespaces on this machine', [
    'autoshield simulate --type lateral-movement --duration 60',
    'autoshield simulate --scenario port-scanning',
    'autoshield simulate --scenario story --duration 100 --seed 7',
  ]).addOption(new Option('--type <class>', 'attacks of one class').choices(TYPES))
    .addOption(new Option('--scenario <name>', 'one of those of `npm run lab -- list`').conflicts('type'))
    .addOption(new Option('--duration <seconds>', 'how long it goes on').argParser(wholeNumberIn(10, 3_600)).default(60))
    .addOption(new Option('--seed <number>', 'draws pods, tools, rates and ordinary traffic; another one, another attack').argParser(wholeNumberIn(0, 2 ** 31 - 1)).default(1))
    .option('--data <dir>', 'data folder of the loop', '.autoshield/simulate')
    .addOption(new Option('--dashboard-port <port>', 'the page, while it runs').argParser(port).default(8081))
    .addOption(new Option('--api-port <port>', 'the API, while it runs').argParser(port).default(8000))
    .addHelpText('after', '\nNeeds root and Debian\'s tools, which `npm test` installs. Exit status 0 where every attack was found, else 1.\n')
    .action(async ({ type, scenario, duration, seed, data, dashboardPort, apiPort }: Flags) => {
      const name = type ?? scenario
      if (name === undefined) throw new AutoshieldError('USAGE', `say which attack: --type ${TYPES.join('|')}, or --scenario with a name of \`npm run lab -- list\`.`)
      if (!existsSync(LABORATORY)) throw new AutoshieldError('UNAVAILABLE', 'the laboratory is part of the checkout and not of the image: run this in a clone of the repository.')
      await runChild({
        program: LABORATORY,
        args: () => ['simulate', ALSO[name] ?? name, '--duration', String(duration), '--seed', String(seed), '--data', data, '--dashboard-port', String(dashboardPort), '--api-port', String(apiPort)],
        onEnd: (status) => {
          done(status ?? EXIT.ok)
          return 'done'
        },
      }, context.signal)
    })
}
