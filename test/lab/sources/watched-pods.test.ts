import { join } from 'node:path'
import t from 'tap'
import type { Account } from '../../../models/training/window-recording.ts'
import { FEATURES, keyId, type FeatureName } from '../../../src/core/window/window.ts'
import { skipWithout } from '../../setup/tools.ts'
import { envoyTool } from '../../xds/real-envoy.ts'
import { Lab, missingForLab } from '../lab.ts'
import { packetAccounts } from './packet-accounts.ts'
import { POD_SOURCES, WatchedPods } from './watched-pods.ts'

const skip = skipWithout([...missingForLab(['python3', 'curl', 'nft', 'socat', 'ss', 'stdbuf']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
t.setTimeout(600_000)

const [CLIENT, SERVER] = ['10.9.0.1', '10.9.0.2']
const REQUESTS = 20

/** What one pod's observer tells of the pair, summed over its 0.5 s windows. */
function sumOf (accounts: readonly Account[], observer: string, feature: FeatureName): number {
  const windows = accounts.find((account) => account.observer === observer)?.windows ?? []
  return windows.filter(({ key, stepMs }) => stepMs === 500 && keyId(key) === `${CLIENT}>${SERVER}`).reduce((sum, { features }) => sum + (features[FEATURES.indexOf(feature)] ?? 0), 0)
}

t.test('between two pods behind Envoys each source tells of each connection once, at both ends', { skip }, async (t) => {
  await using lab = await Lab.start({ pods: [{ name: 'client', address: CLIENT }, { name: 'server', address: SERVER }] })
  lab.pod('server').spawn('python3 -m http.server 8080 --directory /usr/share')
  await lab.pod('server').listening(8080)
  await using watched = await WatchedPods.start(lab, ['client', 'server'])
  const file = join(lab.folder, 'all.pcap')
  const capture = await lab.capture(file)
  await lab.pod('client').must(`for i in $(seq ${REQUESTS}); do curl -s -o /dev/null http://${SERVER}:8080/; done`)
  await watched.finish()
  await capture.stop()
  const sources = { packet: await packetAccounts(file, lab.pods, Date.now()), ...Object.fromEntries(POD_SOURCES.map((source) => [source, watched.accounts(source, 0)])) }
  for (const observer of ['client', 'server']) {
    const bytes = sumOf(sources.packet, observer, 'bytes_received')
    t.ok(bytes > REQUESTS * 100, `${observer}: ${bytes} bytes`)
    for (const [source, accounts] of Object.entries(sources)) {
      t.equal(sumOf(accounts, observer, 'syn_count'), REQUESTS, `${source} at the ${observer}: connections`)
      t.ok(Math.abs(sumOf(accounts, observer, 'bytes_received') - bytes) <= REQUESTS, `${source} at the ${observer}: ${sumOf(accounts, observer, 'bytes_received')} of ${bytes} bytes`)
      t.equal(sumOf(accounts, observer, 'failed_conn_ratio'), 0, `${source} at the ${observer}: none failed`)
    }
  }
})
