// `npm run cluster`: the Kubernetes cluster of the tests, for a person. See test/real/cluster/README.md.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { recordedCluster, refreshImages, runningCluster, standingFolder, startCluster, stopCluster } from '../test/real/cluster/cluster.ts'
import { CLUSTER_VARIABLE, withoutCluster } from '../test/real/cluster/test-cluster.ts'

const say = (line: string): void => { console.error(`cluster: ${line}`) }
const NOT_RUNNING = "no cluster runs; 'npm run cluster -- up' starts one"

interface Parts { readonly node: boolean, readonly enforcing?: true }

const networkOf = ({ enforcing }: Parts): 'links' | 'cilium' => enforcing === undefined ? 'links' : 'cilium'

async function up (parts: Parts): Promise<number> {
  const { node } = parts
  const missing = withoutCluster(parts.enforcing === undefined ? node ? 'node' : 'api' : 'enforcing')
  if (missing !== false) return complain(missing)
  const folder = standingFolder()
  const running = runningCluster(folder)
  if (running === undefined) {
    await remove(folder)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  const cluster = running === undefined ? await startCluster({ folder, node, network: networkOf(parts), lasting: true, say }) : await refreshImages(running, say)
  console.log(`The cluster runs until 'npm run cluster -- down'; tests that are run alone use it.

  export KUBECONFIG=${cluster.kubeconfig}
  export PATH=${cluster.programs}:$PATH        # kubectl, helm
  npm run cluster -- kubectl get pods -A

The API server is ${cluster.server}; from inside, this machine is ${cluster.wire.host}. Logs: ${join(cluster.folder, 'logs')}`)
  for (const [name, reference] of Object.entries(cluster.images ?? {})) console.log(`image ${name.padEnd(10)} ${reference}`)
  return 0
}

async function down (): Promise<number> {
  const folder = standingFolder()
  const running = runningCluster(folder) !== undefined
  await remove(folder)
  if (!running) return complain(NOT_RUNNING)
  say('stopped')
  return 0
}

/** Ends the cluster in a folder, or removes what a dead one or a broken start left there. */
async function remove (folder: string): Promise<void> {
  const cluster = recordedCluster(folder)
  if (cluster !== undefined) await stopCluster(cluster)
  rmSync(folder, { recursive: true, force: true })
}

async function status (): Promise<number> {
  const cluster = runningCluster(standingFolder())
  if (cluster === undefined) return complain(NOT_RUNNING)
  return runHere(join(cluster.programs, 'kubectl'), ['--kubeconfig', cluster.kubeconfig, 'get', 'nodes,pods', '--all-namespaces', '--output', 'wide'])
}

async function runProgram (name: 'kubectl' | 'helm', args: readonly string[]): Promise<number> {
  const cluster = runningCluster(standingFolder())
  return cluster === undefined ? complain(NOT_RUNNING) : runHere(join(cluster.programs, name), ['--kubeconfig', cluster.kubeconfig, ...args])
}

/** Runs a command beside a cluster of its own, which ends with it; with less of one, or none, where this machine cannot have it. */
async function beside (program: string, args: readonly string[], wanted: Parts): Promise<number> {
  if (process.env[CLUSTER_VARIABLE] !== undefined) return runHere(program, args)
  const missing = withoutCluster('api')
  if (missing !== false) {
    say(`not started: ${missing}. Tests that need it skip.`)
    return runHere(program, args)
  }
  const withoutEnforcement = wanted.enforcing !== undefined && withoutCluster('enforcing')
  if (withoutEnforcement !== false) {
    say(`not started, for nothing would enforce NetworkPolicies: ${withoutEnforcement}. Tests that need it skip.`)
    return runHere(program, args)
  }
  const withoutNode = wanted.node && withoutCluster('node')
  if (withoutNode !== false) say(`started without a node: ${withoutNode}`)
  const node = wanted.node && withoutNode === false
  const stopping = new AbortController()
  const stop = (): void => stopping.abort(new Error('interrupted'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  const cluster = await startCluster({ node, network: networkOf(wanted), lasting: false, say, signal: stopping.signal })
  try {
    return await runHere(program, args, { [CLUSTER_VARIABLE]: cluster.folder })
  } finally {
    await stopCluster(cluster)
  }
}

/** Runs a program with this one's terminal; signals reach it, too, and it decides. */
async function runHere (program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> {
  const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...environment, PATH: [bin, process.env['PATH']].join(delimiter) } })
  const forward = (signal: NodeJS.Signals): void => { child.kill(signal) }
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, forward)
  const ignore = (): void => undefined // a terminal sends SIGINT to the child as well
  process.on('SIGINT', ignore)
  const [code] = await once(child, 'close') as [number | null]
  return code ?? 128
}

function complain (line: string): number {
  console.error(`cluster: ${line}`)
  return 1
}

async function main (): Promise<number> {
  let code = 0
  const done = async (action: Promise<number>): Promise<void> => { code = await action }
  const program = new Command('npm run cluster --')
    .description("The tests' Kubernetes cluster on this machine: real programs in namespaces of their own. Needs root.")
    .exitOverride().showHelpAfterError().enablePositionalOptions()
  const withoutNode = ['--no-node', 'only the API server and its controllers: no pod runs, half the memory'] as const
  const enforcing = ['--enforcing', 'two nodes with Cilium, which enforces NetworkPolicies; its first build takes 10 minutes'] as const
  program.command('up').description('start it, or give the one that runs the images of what the checkout holds now').option(...withoutNode).option(...enforcing).action((options: Parts) => done(up(options)))
  program.command('down').description('end it and remove all that it made').action(() => done(down()))
  program.command('status').description('its nodes and pods').action(() => done(status()))
  for (const name of ['kubectl', 'helm'] as const) {
    program.command(name).description(`run ${name} in it`).argument('[args...]').passThroughOptions().allowUnknownOption().helpOption(false).action((args: string[]) => done(runProgram(name, args)))
  }
  program.command('with').description('start one, run a command beside it and end it').argument('<command>').argument('[args...]').option(...withoutNode).option(...enforcing).passThroughOptions().allowUnknownOption()
    .action((command: string, args: string[], options: Parts) => done(beside(command, args, options)))
  try {
    await program.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    return complain(error instanceof Error ? error.message : String(error))
  }
  return code
}

process.exitCode = await main()
