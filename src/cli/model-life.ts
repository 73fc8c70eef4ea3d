import { setTimeout } from 'node:timers/promises'
import { userInfo } from 'node:os'
import { type Command, Option } from 'commander'
import { ModelStore, noModel } from '../adapters/models/model-store.ts'
import { readManifest, readModel, tryToLoad } from '../adapters/onnx/load-model.ts'
import { AutoshieldError } from '../core/errors.ts'
import { type Asked, type ModelChoice, type ModelStanding, promote, putInShadow, rollBack } from '../core/model/standing.ts'
import { type CliContext, EXIT, type Settings, verb } from './context.ts'
import { compareText } from './compare-text.ts'
import { modelTrust, type TrustFlags, trustOptions } from './model-option.ts'
import { outputOption, type OutputFormat, RowPrinter } from './output.ts'

export const storeOption = ({ modelStore }: Settings): Option =>
  new Option('--models <dir>', 'folder of the installed models (MODEL_STORE)').default(modelStore === '' ? '.autoshield/models' : modelStore)

/** How the model that the detector was started with is written. */
export const STARTED_WITH = 'start'
const asVersion = (text: string): string | null => text === STARTED_WITH ? null : text
const nameOf = (version: string | null): string => version ?? STARTED_WITH

interface StoreFlags { models: string }
interface SaidFlags extends StoreFlags { reason: string, actor?: string }

const storeVerb = (context: CliContext, name: string, summary: string, examples: readonly string[]): Command => verb(name, summary, examples).addOption(storeOption(context.settings))
const said = (command: Command): Command => command.option('--reason <text>', 'why; the controller keeps it in the audit trail', '').option('--actor <name>', 'who says so; the user of this process unless given')
const askedBy = ({ reason, actor }: SaidFlags): Asked => ({ by: (actor ?? userInfo().username).slice(0, 128), reason: reason.slice(0, 500), at: new Date().toISOString() })

interface Row { version: string, use: string, classes: string, signature: string, note: string }

export function listCommand (context: CliContext, done: (status: number) => void): Command {
  return storeVerb(context, 'list', 'models that are installed, and which of them scores', ['autoshield model list']).addOption(outputOption())
    .action(async ({ models, output }: StoreFlags & { output: OutputFormat }) => {
      const store = new ModelStore(models)
      const [choice, standing] = [await store.choice(), await store.standing()]
      const printer = new RowPrinter<Row>(context.stdout, output, [
        { title: 'VERSION', of: ({ version }) => version },
        { title: 'USE', of: ({ use }) => use },
        { title: 'CLASSES', of: ({ classes }) => classes },
        { title: 'SIGNED BY', of: ({ signature }) => signature },
        { title: 'NOTE', of: ({ note }) => note },
      ])
      await printer.print({ version: STARTED_WITH, use: useOf(null, choice), classes: '-', signature: '-', note: 'the model that the detector was started with: the shipped one unless --model names another' })
      for (const version of await store.versions()) {
        const { manifest } = await readManifest(store.folderOf(version))
        await printer.print({ version, use: useOf(version, choice), classes: manifest.classes.slice(1).join(','), signature: manifest.signature?.keyId ?? '-', note: noteOf(version, standing) })
      }
      await printer.end('no model is installed')
      done(EXIT.ok)
    })
}

function useOf (version: string | null, { current, shadow, before }: ModelChoice): string {
  if (version === current) return 'current'
  if (version !== null && version === shadow) return 'shadow'
  return version === before[0] ? 'before' : '-'
}

const noteOf = (version: string, standing: ModelStanding | null): string =>
  standing?.refused.filter((refusal) => refusal.version === version).map(({ message }) => `refused: ${message}`).join('; ') ?? ''

export function installCommand (context: CliContext, done: (status: number) => void): Command {
  return trustOptions(storeVerb(context, 'install', 'verify a model and copy it into the folder of models; nothing scores with it yet', [
    'autoshield model install my-model --model-keys key.pub',
  ]).argument('<folder>', 'folder of manifest.json and its .onnx file'), context.settings)
    .action(async (folder: string, { models, ...flags }: StoreFlags & TrustFlags) => {
      const trust = await modelTrust(flags)
      const model = await readModel(folder, { trust, warn: (message) => context.stderr.write(`autoshield: ${message}\n`) })
      const isNew = await new ModelStore(models).install(model, async (copy) => tryToLoad(copy, { trust }))
      context.stdout.write(`${model.manifest.version}: ${isNew ? 'installed' : 'is installed already'}; let it score beside the current one with \`autoshield model shadow ${model.manifest.version}\`\n`)
      done(EXIT.ok)
    })
}

export function removeCommand (context: CliContext, done: (status: number) => void): Command {
  return storeVerb(context, 'remove', 'delete an installed model that nothing uses', ['autoshield model remove my-model-3'])
    .argument('<version>')
    .action(async (version: string, { models }: StoreFlags) => {
      await new ModelStore(models).remove(version)
      context.stdout.write(`${version}: removed\n`)
      done(EXIT.ok)
    })
}

export function shadowCommand (context: CliContext, done: (status: number) => void): Command {
  return trustOptions(said(storeVerb(context, 'shadow', 'let a model score the same windows beside the current one; nothing follows from its scores', [
    'autoshield model shadow my-model-4',
    'autoshield model shadow --off',
  ]).argument('[version]').option('--off', 'end it', false)), context.settings)
    .action(async (version: string | undefined, { off, ...flags }: SaidFlags & TrustFlags & { off: boolean }) => {
      if (off === (version !== undefined)) throw new AutoshieldError('USAGE', 'name a version, or say --off.')
      const store = new ModelStore(flags.models)
      if (version !== undefined) await verified(store, version, flags)
      const choice = putInShadow(await store.choice(), version ?? null, askedBy(flags))
      await store.choose(choice)
      await answer(context, store, choice, version === undefined ? 'nothing scores in shadow' : `${version} scores in shadow; see \`autoshield model compare\``)
      done(EXIT.ok)
    })
}

export function compareCommand (context: CliContext, done: (status: number) => void): Command {
  return storeVerb(context, 'compare', 'what the candidate in shadow and the current model said of the same windows', [
    'autoshield model compare',
    'autoshield model compare -o json | jq .alarms',
  ]).addOption(outputOption())
    .action(async ({ models, output }: StoreFlags & { output: OutputFormat }) => {
      const comparison = await new ModelStore(models).comparison()
      if (comparison === null) throw new AutoshieldError('NOT_FOUND', `no two models were compared in ${models}; put one beside the current with \`autoshield model shadow VERSION\`, and let some traffic pass`)
      if (output === 'table') context.stdout.write(compareText(comparison))
      else await new RowPrinter(context.stdout, output, []).print(comparison)
      done(EXIT.ok)
    })
}

export function promoteCommand (context: CliContext, done: (status: number) => void): Command {
  return trustOptions(said(storeVerb(context, 'promote', 'show the comparison, and with --yes let a model\'s scores count from now on', [
    'autoshield model promote my-model-4',
    'autoshield model promote my-model-4 --yes --reason "a week in shadow, two false alarms fewer"',
  ]).argument('<version>', `an installed version, or ${STARTED_WITH}`).option('--yes', 'do it', false)), context.settings)
    .action(async (name: string, { yes, ...flags }: SaidFlags & TrustFlags & { yes: boolean }) => {
      const store = new ModelStore(flags.models)
      const version = asVersion(name)
      const choice = await store.choice()
      if (choice.current === version) throw new AutoshieldError('CONFLICT', `${name} is the current model already`)
      if (version !== null) await verified(store, version, flags)
      const [comparison, standing] = [await store.comparison(), await store.standing()]
      context.stdout.write(comparison?.candidate === version && comparison.current === standing?.current ? compareText(comparison) : `${name} was never compared with the current model: \`autoshield model shadow ${name}\` would do it\n`)
      if (!yes) throw new AutoshieldError('CONFLICT', `nothing was changed; if the above is what you want, say \`autoshield model promote ${name} --yes\``)
      const promoted = promote(choice, version, askedBy(flags))
      await store.choose(promoted)
      await answer(context, store, promoted, `${name} scores from now on; \`autoshield model rollback\` goes back to ${nameOf(choice.current)}`)
      done(EXIT.ok)
    })
}

export function rollbackCommand (context: CliContext, done: (status: number) => void): Command {
  return said(storeVerb(context, 'rollback', 'go back to the model that was current before', ['autoshield model rollback --reason "it alarms on backups"']))
    .action(async (flags: SaidFlags) => {
      const store = new ModelStore(flags.models)
      const choice = rollBack(await store.choice(), askedBy(flags))
      if (choice === null) throw new AutoshieldError('CONFLICT', `no other model was current in ${flags.models} before; \`autoshield model promote VERSION\` takes another`)
      await store.choose(choice)
      await answer(context, store, choice, `${nameOf(choice.current)} scores again`)
      done(EXIT.ok)
    })
}

/** Before anything is asked of a detector. Rejects with why the model cannot be used. */
async function verified (store: ModelStore, version: string, flags: TrustFlags): Promise<void> {
  if (!await store.has(version)) throw noModel(version, store.folder)
  await tryToLoad(store.folderOf(version), { trust: await modelTrust(flags) })
}

const ANSWER_MS = 20_000
const LOOK_MS = 250

/** Waits for the detector, which looks once a second. Rejects UNTRUSTED with what it refused, and why. */
async function answer (context: CliContext, store: ModelStore, { sequence }: ModelChoice, well: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < ANSWER_MS && !context.signal.aborted; waitedMs += LOOK_MS) {
    const standing = await store.standing()
    if (standing !== null && standing.sequence >= sequence) {
      const [refusal] = standing.refused
      if (refusal !== undefined) throw new AutoshieldError('UNTRUSTED', `the detector refused ${refusal.version}, and ${standing.current} goes on: ${refusal.message}`)
      context.stdout.write(`${well}\n`)
      return
    }
    await setTimeout(LOOK_MS, undefined, { signal: context.signal }).catch(() => undefined) // aborted: the loop ends
  }
  context.stdout.write(`it is written down in ${store.folder}, and no detector that follows it has answered: one takes it up when it starts\n`)
}
