import type { Command } from 'commander'
import { FolderCredentials } from '../../certs/credential-folder.ts'
import { KubernetesPods } from '../adapters/kubernetes/pods.ts'
import { ModelStore } from '../adapters/models/model-store.ts'
import { loadModel } from '../adapters/onnx/load-model.ts'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import { FollowedPodFile } from '../adapters/standalone/followed-pod-file.ts'
import { ReplayPods } from '../adapters/standalone/replay-pods.ts'
import { AutoshieldError } from '../core/errors.ts'
import { spiffeId } from '../core/identity.ts'
import { Detector } from '../detector/detector.ts'
import { scopeFromPods } from '../detector/reporter-scope.ts'
import type { PodDirectory } from '../ports/directories.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { Scorer } from '../ports/scorer.ts'
import { firstCredentials } from '../wire/held-credentials.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { systemIdentities } from './data-folder.ts'
import { issuedIdentity, issuedIdentityOptions, type IssuedIdentityFlags } from './issued-identity.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { FollowedModels } from './followed-models.ts'
import { gpuOption, modelOption, modelsOption, modelTrust, trustArgs, type TrustFlags, trustOptions } from './model-option.ts'
import { Parts } from './parts.ts'
import { tryModel } from './try-model.ts'

interface Flags extends KubernetesFlags, IssuedIdentityFlags, TrustFlags {
  listen: string
  identity?: string
  model: string
  models?: string
  gpu: boolean
  pods?: string
  cluster: boolean
}

type Say = (text: string) => void

/** Who this detector is, and who has which address. */
interface Place {
  readonly credentials: CredentialSource
  readonly pods: PodDirectory
}

export function detectorCommand (context: CliContext, done: (status: number) => void): Command {
  return trustOptions(issuedIdentityOptions(kubernetesOptions(verb('detector', 'take windows from observers and score them (`up` starts one)', [
    'autoshield detector --listen 127.0.0.1:18001 --identity .autoshield/identities/detector',
    'autoshield detector --cluster --listen 0.0.0.0:18001 --issuer autoshield-controller.autoshield.svc:8444',
  ]).requiredOption('--listen <host:port>', 'address for observers and controllers; port 0 takes a free one')
    .option('--identity <dir>', 'folder of cert.pem, key.pem and ca.pem')
    .option('--pods <file>', 'who has which address (pods.json); without it only recordings are taken')
    .option('--cluster', 'take identity and pods from the cluster', false)
    .addOption(modelsOption(context.settings)).addOption(modelOption(context.settings)).addOption(gpuOption(context.settings)))), context.settings)
    .action(async (flags: Flags) => {
      const say: Say = (text) => { context.stderr.write(`autoshield detector: ${text}\n`) }
      const { listen, trustDomain, namespace } = flags
      const store = flags.models === undefined ? null : new ModelStore(flags.models)
      const load = await modelLoader(context, flags, store, say)
      await using models = store === null ? null : await FollowedModels.open({ store, load, say })
      await using given = models === null ? await load(null) : null
      const scorer = models?.scorer ?? given
      if (scorer === null) throw new AutoshieldError('INTERNAL', 'no model was loaded')
      using api = flags.cluster ? openFrom(context, flags) : null
      await using parts = new Parts()
      const { credentials, pods } = api === null ? await standalone(flags, parts, say) : inCluster(flags, new KubernetesPods(api), parts, say)
      await parts.orFailure(firstCredentials(credentials, context.signal))
      const controller = spiffeId(systemIdentities({ trustDomain, namespace }).controller)
      const detector = new Detector({
        scorer,
        credentials,
        listen,
        onListening: (address) => context.tellParent === null ? say(`listening on ${address}, model ${scorer.model.version}`) : context.tellParent({ listening: address }),
        scopeOf: scopeFromPods(pods, { trustDomain }),
        mayWatch: (identity) => spiffeId(identity) === controller,
        clock: systemClock,
        onFailure: (error) => say(error.message),
      })
      if (models !== null) parts.start((signal) => models.run(detector, every, signal))
      await parts.orFailure(detector.run(context.signal))
      done(EXIT.ok)
    })
}

/** Loads what is asked for, after it was tried in a process of its own; what the detector was started with is the operator's own word. */
async function modelLoader ({ program }: CliContext, flags: Flags, store: ModelStore | null, say: Say): Promise<(version: string | null) => Promise<Scorer>> {
  const options = { trust: await modelTrust(flags), useGpu: flags.gpu, warn: say }
  return async (version) => {
    if (version === null || store === null) return loadModel(flags.model, options)
    const folder = store.folderOf(version)
    await tryModel(program, folder, trustArgs(flags))
    return loadModel(folder, options)
  }
}

async function standalone ({ identity, pods }: Flags, parts: Parts, say: Say): Promise<Place> {
  if (identity === undefined) throw new AutoshieldError('USAGE', 'a detector needs --identity DIR, or --cluster in a cluster.')
  const credentials = await FolderCredentials.open(identity, { clock: systemClock, warn: say })
  parts.start((signal) => credentials.run(signal))
  if (pods === undefined) return { credentials, pods: new ReplayPods() }
  const file = new FollowedPodFile(pods, { clock: systemClock, onTrouble: ({ message }) => say(`the changed pods cannot be used; they stay as they were: ${message}`) })
  parts.start((signal) => file.run(every, signal))
  return { credentials, pods: file }
}

function inCluster (flags: Flags, pods: KubernetesPods, parts: Parts, say: Say): Place {
  const credentials = issuedIdentity(flags, '--cluster needs --issuer HOST:PORT, the controller that issues the detector\'s identity.',
    (event) => say(event.type === 'renewed' ? `identity until ${new Date(event.endsMs).toISOString()}` : `no identity yet (${event.reason}); next try in ${Math.round(event.retryMs)} ms`))
  parts.start((signal) => credentials.run(signal))
  parts.start((signal) => pods.run(signal))
  return { credentials, pods }
}
