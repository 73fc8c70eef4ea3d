import type { Command } from 'commander'
import { FolderCredentials } from '../../certs/credential-folder.ts'
import { loadModel } from '../adapters/onnx/load-model.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { readPodFile } from '../adapters/standalone/pod-file.ts'
import { ReplayPods } from '../adapters/standalone/replay-pods.ts'
import { Detector } from '../detector/detector.ts'
import { scopeFromPods } from '../detector/reporter-scope.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { SYSTEM_IDENTITIES, TRUST_DOMAIN } from './data-folder.ts'
import { gpuOption, modelOption } from './model-option.ts'
import { Parts } from './parts.ts'

interface Flags { listen: string, identity: string, model: string, gpu: boolean, pods?: string }

export function detectorCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('detector', 'take windows from observers and score them (`up` starts one)', [
    'autoshield detector --listen 127.0.0.1:18001 --identity .autoshield/identities/detector',
  ]).requiredOption('--listen <host:port>', 'address for observers and controllers; port 0 takes a free one')
    .requiredOption('--identity <dir>', 'folder of cert.pem, key.pem and ca.pem')
    .option('--pods <file>', 'who has which address (pods.json); without it only recordings are taken')
    .addOption(modelOption(context.settings)).addOption(gpuOption(context.settings))
    .action(async ({ listen, identity, model, gpu, pods }: Flags) => {
      const say = (text: string): void => { context.stderr.write(`autoshield detector: ${text}\n`) }
      await using scorer = await loadModel(model, { useGpu: gpu, warn: say })
      const credentials = await FolderCredentials.open(identity, { clock: systemClock, warn: say })
      const detector = new Detector({
        scorer,
        credentials,
        listen,
        onListening: (address) => context.tellParent === null ? say(`listening on ${address}, model ${scorer.model.version}`) : context.tellParent({ listening: address }),
        scopeOf: scopeFromPods(pods === undefined ? new ReplayPods() : readPodFile(pods), { trustDomain: TRUST_DOMAIN }),
        mayWatch: ({ trustDomain, namespace, uid }) => trustDomain === TRUST_DOMAIN && namespace === SYSTEM_IDENTITIES.controller.namespace && uid === SYSTEM_IDENTITIES.controller.uid,
        clock: systemClock,
        onFailure: (error) => say(error.message),
      })
      await using parts = new Parts()
      parts.start((signal) => credentials.run(signal))
      await parts.orFailure(detector.run(context.signal))
      done(EXIT.ok)
    })
}
