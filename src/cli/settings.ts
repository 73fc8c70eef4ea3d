import { join } from 'node:path'
import { AutoshieldError } from '../core/errors.ts'
import { LOG_LEVELS, type Settings } from './context.ts'

type Read<T> = { ok: true, value: T } | { ok: false, problem: string }

function boolean (name: string, text: string | undefined): Read<boolean | null> {
  if (text === undefined || text === '') return { ok: true, value: null }
  switch (text.toLowerCase()) {
    case 'true': case '1': case 'yes': return { ok: true, value: true }
    case 'false': case '0': case 'no': return { ok: true, value: false }
  }
  return { ok: false, problem: `${name}=${text} is neither true nor false` }
}

function logLevel (text: string | undefined): Read<Settings['logLevel']> {
  const level = LOG_LEVELS.find((known) => known === (text ?? 'info').toLowerCase())
  return level === undefined
    ? { ok: false, problem: `LOG_LEVEL=${text ?? ''} is not one of ${LOG_LEVELS.join(', ')}` }
    : { ok: true, value: level }
}

function cluster (env: Readonly<Record<string, string | undefined>>): Pick<Settings, 'kubeconfig' | 'usualKubeconfig' | 'inCluster'> {
  const { HOME: home = '', KUBECONFIG: kubeconfig = '', KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = env
  return { kubeconfig, usualKubeconfig: home === '' ? '' : join(home, '.kube', 'config'), inCluster: host === '' ? null : { host, port: port === '' ? '443' : port } }
}

/** Reads the settings of the environment; every mistake is reported at once. */
export function loadSettings (env: Readonly<Record<string, string | undefined>>): Settings {
  const enableActuation = boolean('ENABLE_ACTUATION', env['ENABLE_ACTUATION'])
  const useGpu = boolean('USE_GPU', env['USE_GPU'])
  const allowUnsignedModel = boolean('ALLOW_UNSIGNED_MODEL', env['ALLOW_UNSIGNED_MODEL'])
  const level = logLevel(env['LOG_LEVEL'])
  if (enableActuation.ok && useGpu.ok && allowUnsignedModel.ok && level.ok) {
    return Object.freeze({
      enableActuation: enableActuation.value,
      useGpu: useGpu.value ?? false,
      logLevel: level.value,
      modelPath: env['MODEL_PATH'] ?? '',
      modelStore: env['MODEL_STORE'] ?? '',
      modelKeys: env['MODEL_KEYS'] ?? '',
      allowUnsignedModel: allowUnsignedModel.value ?? false,
      ...cluster(env),
    })
  }
  const problems = [enableActuation, useGpu, allowUnsignedModel, level].flatMap((read) => read.ok ? [] : [read.problem])
  throw new AutoshieldError('USAGE', `the environment is wrong: ${problems.join('; ')}. Correct or unset it.`)
}
