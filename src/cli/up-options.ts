import { existsSync } from 'node:fs'
import { Option } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { type CliContext, dataOption, LOG_LEVELS, port, verb } from './context.ts'
import { hostPort } from './host-port.ts'
import { gpuOption, modelOption, type TrustFlags, trustOptions } from './model-option.ts'
import { speedOption } from './replay.ts'
import { safetyOption } from './safety-option.ts'

const shipped = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname

export const SHIPPED = {
  policy: shipped('deploy/policies/default.yaml'),
  capture: shipped('deploy/demo/attack.pcap.zst'),
  pods: shipped('deploy/demo/pods.json'),
  page: shipped('src/console/web/dist'),
} as const

export interface UpFlags extends TrustFlags {
  data: string
  capture: string
  replay: boolean
  speed: number
  pods?: string
  proxies?: string
  policy: string
  alerts?: string
  model: string
  gpu: boolean
  logLevel: CliContext['settings']['logLevel']
  safety?: string
  simulate: boolean
  zone: string
  host: string
  allowHost: string[]
  apiPort: number
  dashboardPort: number
  metricsPort: number
  ingest: string
  xds: string
}

export const upVerb = (context: CliContext) =>
  trustOptions(verb('up', 'run the whole loop in this terminal, on a recorded attack or on live observers', [
    'autoshield up',
    'autoshield up --capture attack.pcapng --speed 10',
    'autoshield up --no-replay --pods pods.json --ingest 10.0.0.1:18001 --xds 10.0.0.1:18000',
  ]).addOption(dataOption())
    .addOption(new Option('--capture <file>', 'what to replay').default(SHIPPED.capture, 'the shipped recording'))
    .option('--no-replay', 'replay nothing: wait for live observers')
    .addOption(speedOption())
    .option('--pods <file>', 'who has which address (pods.json); without it each address is a pod in namespace replay')
    .option('--proxies <file>', 'which pods have an Envoy (proxies.json)')
    .addOption(new Option('--policy <file>', 'the rules').default(SHIPPED.policy, 'the shipped policy'))
    .option('--alerts <file>', 'where alerts go and what signs messages (alerts.yaml); without it, the log alone')
    .addOption(modelOption(context.settings))
    .addOption(gpuOption(context.settings))
    .addOption(new Option('--log-level <level>', 'what goes into the log').choices(LOG_LEVELS).default(context.settings.logLevel))
    .option('--simulate', 'decide everything and do nothing, whatever ENABLE_ACTUATION says', false)
    .addOption(safetyOption())
    .option('--zone <name>', 'time zone of the conditions in rules', 'UTC')
    .option('--host <address>', 'address of API, dashboard and metrics', '127.0.0.1')
    .option('--allow-host <name...>', 'further host names under which they are called', [])
    .addOption(new Option('--api-port <port>', 'API and its documentation').argParser(port).default(8000))
    .addOption(new Option('--dashboard-port <port>', 'the page').argParser(port).default(8081))
    .addOption(new Option('--metrics-port <port>', 'Prometheus').argParser(port).default(9090))
    .addOption(new Option('--ingest <host:port>', 'where observers connect').argParser(hostPort).default('127.0.0.1:0'))
    .addOption(new Option('--xds <host:port>', 'where Envoys connect').argParser(hostPort).default('127.0.0.1:18000')), context.settings)

/** A mistake is told before anything is started. */
export function checkFiles (flags: UpFlags): void {
  if (flags.replay && !existsSync(flags.capture)) {
    throw new AutoshieldError('NOT_FOUND', `there is no capture ${flags.capture}; name one with --capture, or wait for live observers with --no-replay.`)
  }
  if (!existsSync(SHIPPED.page)) {
    throw new AutoshieldError('UNAVAILABLE', 'the dashboard is not built yet; `npm start` builds it, or `npx vite build src/console/web`.')
  }
}
