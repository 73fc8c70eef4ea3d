import type { Command } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { PanicState } from '../console/api/views.ts'
import { AutoshieldError } from '../core/errors.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import { PANIC_MAP } from '../core/safety/panic-order.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { apiOption, callApi } from './loop-api.ts'

const Pulled = Compile(Type.Object({ undone: Type.Integer(), failed: Type.Array(Type.Object({ mitigation: Type.String(), message: Type.String() })) }))
const State = Compile(PanicState)
/** On a busy machine hundreds of undos take a while, and each is kept before it is told. */
const UNDONE_MS = 60_000

interface Flags extends KubernetesFlags { api: string, reason?: string, actor?: string, undo: boolean, end: boolean, cluster: boolean, autoshieldNamespace: string }

export function panicCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('panic', 'stop all new actions of the AutoShield that runs, and if asked undo those in force; it goes on to see and to alert', [
    'autoshield panic --reason "it cut the shop off"',
    'autoshield panic --reason "it cut the shop off" --undo   # and take back everything',
    'autoshield panic --end --reason "the rule was mended"',
    'autoshield panic                                           # whether it is pulled',
    'autoshield panic --cluster --reason "it cut the shop off" --undo   # where its API does not answer',
  ]).option('--reason <text>', 'why; it goes into the audit trail').option('--actor <name>', 'who says so')
    .option('--undo', 'undo every restriction in force', false).option('--end', 'let actions go on', false)
    .option('--cluster', `by the ConfigMap ${PANIC_MAP}, with nothing but a kubeconfig: also where the API does not answer`, false)
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .addOption(apiOption()))
    .action(async ({ api, reason, actor, undo, end, cluster, autoshieldNamespace, ...kubernetes }: Flags) => {
      if (end && undo) throw new AutoshieldError('USAGE', '--end lets actions go on and --undo takes them back: say one of the two.')
      if (reason === undefined) {
        if (end || undo) throw new AutoshieldError('USAGE', 'Say why with --reason: it goes into the audit trail.')
        context.stdout.write(await standing(api))
        done(EXIT.ok)
        return
      }
      if (cluster) {
        using kubernetesApi = openFrom(context, kubernetes)
        await byConfigMap(context, kubernetesApi, autoshieldNamespace, end ? null : { reason, undo })
        done(EXIT.ok)
        return
      }
      const body = { reason, ...(actor !== undefined && { actor }) }
      if (end) await release(context, api, body)
      else await pull(context, api, { ...body, undo })
      done(EXIT.ok)
    })
}

/** null takes the ConfigMap away. Whoever follows it acts on it when it sees it; nobody answers. */
async function byConfigMap ({ stdout }: CliContext, api: KubernetesApi, namespace: string, order: { readonly reason: string, readonly undo: boolean } | null): Promise<void> {
  if (order === null) {
    await api.remove(RESOURCES.configMaps, PANIC_MAP, { namespace })
    stdout.write(`ConfigMap ${namespace}/${PANIC_MAP} is gone: actions go on where nobody else stopped them\n`)
    return
  }
  await api.apply(RESOURCES.configMaps, { metadata: { name: PANIC_MAP, namespace }, data: { active: 'true', undo: String(order.undo), reason: order.reason } }, { force: true })
  stdout.write(`ConfigMap ${namespace}/${PANIC_MAP} says: no new action${order.undo ? ', and undo what is in force' : ''}; it holds until it is deleted\n`)
}

async function standing (api: string): Promise<string> {
  const state = await callApi(api, 'GET', '/panic')
  if (!State.Check(state)) throw new AutoshieldError('BAD_DATA', `What ${api} answered does not say whether actions are stopped: is it this version's AutoShield?`)
  return state.halt === null ? 'actions go on: nobody stopped them\n' : `stopped by ${state.halt.by} since ${state.halt.at}: ${state.halt.reason}\n`
}

async function release ({ stdout }: CliContext, api: string, body: object): Promise<void> {
  await callApi(api, 'POST', '/panic/end', body)
  stdout.write('actions go on\n')
}

async function pull ({ stdout }: CliContext, api: string, body: { readonly undo: boolean }): Promise<void> {
  const pulled = await callApi(api, 'POST', '/panic', body, UNDONE_MS)
  if (!Pulled.Check(pulled)) throw new AutoshieldError('BAD_DATA', `What ${api} answered does not say what was done: look with \`autoshield panic\`.`)
  stdout.write(`no new action from now on${body.undo ? `; ${pulled.undone} undone` : ''}\n`)
  if (pulled.failed.length > 0) throw new AutoshieldError('CONFLICT', `still in force: ${pulled.failed.map(({ mitigation, message }) => `${mitigation} (${message})`).join('; ')}; say it again, or undo them with \`autoshield mitigations revert\`.`)
}
