import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { writeCredentials } from '../../certs/credential-folder.ts'
import type { GrpcScoreSource } from '../../src/adapters/bus/grpc-score-source.ts'
import type { Comparison } from '../../src/core/model/comparison.ts'
import { writeModel } from '../adapters/onnx/made-model.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { CONTROLLER, POD, POD_ADDRESS, recent, stage, TRUST_DOMAIN, type RunningUplink } from '../detector/stage.ts'
import { autoshield, Running } from '../program.ts'
import { until } from '../xds/real-envoy.ts'

t.setTimeout(300_000)

const KEY = { kind: 'pair', source: POD_ADDRESS, destination: '10.0.0.9' } as const
/** Windows that are under way at one time: as many as a swap may come in between. */
const AHEAD = 4
const TECHNIQUE = { id: 'T1071.001', name: 'Web Protocols' }

/** Windows of one key, one after the other without a pause, and which model's scores came back for each. */
class Stream {
  /** Models that were told, in order, with the numbers of the windows that were scored by each. */
  readonly told: { readonly version: string, readonly techniques: unknown, readonly windows: number[] }[] = []
  readonly first = recent(100_000)
  pushed = 0
  scored = 0
  #ended = false
  readonly #end = new AbortController()
  #changed = Promise.withResolvers<undefined>()
  readonly #work: Promise<unknown>

  constructor (t: Test, { uplink }: RunningUplink, source: GrpcScoreSource) {
    this.#work = Promise.all([this.#read(source), this.#push(uplink)])
    t.teardown(async () => {
      this.#end.abort()
      this.#changed.resolve(undefined)
      await this.#work
    })
  }

  get newest () {
    return this.told.at(-1)
  }

  /** Resolves when so many more windows were scored by a model of this version. */
  async scoredBy (version: RegExp, windows: number): Promise<void> {
    const count = (): number => this.newest !== undefined && version.test(this.newest.version) ? this.newest.windows.length : 0
    const before = count()
    while (count() < before + windows) await this.#changed.promise
  }

  /** Pushes no more; resolves when all that was pushed is scored. */
  async end (): Promise<void> {
    this.#ended = true
    while (this.scored < this.pushed) await this.#changed.promise
  }

  async #push (uplink: RunningUplink['uplink']): Promise<void> {
    for (;;) {
      while (this.pushed - this.scored >= AHEAD && !this.#end.signal.aborted) await this.#changed.promise
      if (this.#ended || this.#end.signal.aborted) return
      const number = this.first + this.pushed++
      uplink.push([syntheticWindow({ key: KEY, number, features: { flow_count: 3, bytes_sent: 4_000 } })], new Map([[500, number]]))
    }
  }

  async #read (source: GrpcScoreSource): Promise<void> {
    for await (const event of source.watch({ floor: 0, everyKey: false }, this.#end.signal)) {
      if (event.type === 'synced') this.told.push({ version: event.model.version, techniques: event.model.techniques, windows: [] })
      if (event.type !== 'scores') continue
      for (const { windowNumber } of event.scores) this.newest?.windows.push(windowNumber - this.first)
      this.scored += event.scores.length
      this.#changed.resolve(undefined)
      this.#changed = Promise.withResolvers()
    }
  }
}

t.test('a model with a class of its own is seen in shadow, promoted and taken back while windows stream, and none is lost or scored twice', async (t) => {
  const folder = t.testdir()
  const [identity, pods, models] = [join(folder, 'identity'), join(folder, 'pods.json'), join(folder, 'models')]
  const { credentials, uplink, source } = await stage(t)
  await writeCredentials(identity, credentials({ ...CONTROLLER, uid: 'detector' }))
  await writeFile(pods, JSON.stringify({ [POD_ADDRESS]: { namespace: POD.namespace, name: 'cart', uid: POD.uid } }))
  const mine = await writeModel(join(folder, 'mine'), { version: 'mine-1', classes: ['BENIGN', 'CUSTOM_ATTACK'], probabilities: [0.25, 0.75], techniques: { CUSTOM_ATTACK: TECHNIQUE } })
  const environment = { MODEL_STORE: models, ALLOW_UNSIGNED_MODEL: 'true' }
  /** Gives what it says; what waits for its effect would wait for ever after a failure. */
  const model = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await autoshield(['model', ...args], environment)
    if (status !== 0) throw new Error(`autoshield model ${args.join(' ')} ended with ${String(status)}: ${stderr}`)
    return stdout
  }
  await using detector = Running.start(['detector', '--listen', '127.0.0.1:0', '--identity', identity, '--pods', pods, '--trust-domain', TRUST_DOMAIN], environment)
  const [, address = '', started = ''] = await detector.saying(/listening on (\S+), model (\S+)/, 120_000)
  const scores = source(address)
  const stream = new Stream(t, uplink(address), scores)
  await stream.scoredBy(/./, 100)

  t.match(await model('inspect', mine), /CUSTOM_ATTACK from 0\.5, ATT&CK T1071\.001 Web Protocols/)
  t.match(await model('install', mine), /mine-1: installed/)
  t.match(await model('shadow', 'mine-1'), /mine-1 scores in shadow/)
  const compared = await until('a comparison', async () => {
    const { status, stdout } = await autoshield(['model', 'compare', '-o', 'json'], environment)
    const comparison = status === 0 ? JSON.parse(stdout) as Comparison : null
    return comparison !== null && comparison.windows > 0 ? comparison : undefined
  }, 60_000)
  t.match(compared, { current: started, candidate: 'mine-1', failed: 0 })
  t.strictSame(compared.alarms['CUSTOM_ATTACK'], { current: 0, candidate: compared.windows, both: 0 }, 'it alarms on everything')
  t.equal(stream.told.length, 1, 'and nothing follows from that')

  t.match(await model('promote', 'mine-1', '--yes'), /mine-1 scores from now on/)
  await stream.scoredBy(/^mine-1$/, 100)
  t.match(await model('rollback'), /start scores again/)
  await stream.scoredBy(new RegExp(`^${started}$`), 100)
  await stream.end()

  t.strictSame(stream.told.map(({ version }) => version), [started, 'mine-1', started])
  t.strictSame(stream.told.map(({ techniques }) => techniques), [{}, { CUSTOM_ATTACK: TECHNIQUE }, {}])
  const windows = stream.told.flatMap((told) => told.windows)
  t.equal(windows.length, stream.pushed)
  t.ok(windows.every((number, at) => number === at), 'each window once, in order, whichever model scored it')
  t.equal(scores.lost, 0)
  t.comment(`${stream.pushed} windows; ${stream.told.map(({ windows }) => windows.length).join(', ')} by model`)
})
