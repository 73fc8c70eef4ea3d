import { join } from 'node:path'
import t from 'tap'
import { Lab, missingForLab } from '../../lab/lab.ts'
import { skipWithout } from '../../setup/tools.ts'

t.setTimeout(120_000)

const skip = skipWithout(missingForLab())
const WATCHER = join(import.meta.dirname, '../sockdiag/watch.ts')

/** Root with these capabilities alone, as a container that drops the others. */
const rootWith = (capabilities: string): string[] =>
  ['setpriv', `--bounding-set=-all,${capabilities}`, '--inh-caps=-all', '--no-new-privs', 'env', '-u', 'HOME', process.execPath, WATCHER, 'packet', '10.9.0.1']

t.test('root without the right to change its user captures with NET_RAW and SETGID', { skip }, async (t) => {
  await using lab = await Lab.start({ pods: [{ name: 'client', address: '10.9.0.1' }, { name: 'server', address: '10.9.0.2' }] })
  const watcher = lab.pod('client').spawnInNetwork(rootWith('+net_raw,+setgid'))
  await watcher.saying('watching', 60_000)
  await lab.pod('client').must('ping -c 3 -i 0.05 10.9.0.2')
  const { stdout, code } = await watcher.end()
  t.equal(code, 0)
  t.match(stdout, '10.9.0.2')
})

t.test('what tcpdump lacks is named', { skip }, async (t) => {
  await using lab = await Lab.start({ pods: [{ name: 'client', address: '10.9.0.1' }] })
  const refused = async (capabilities: string): Promise<string> => (await lab.pod('client').spawnInNetwork(rootWith(capabilities)).done).stderr
  t.match(await refused('+net_raw'), /as root it needs the capability SETGID beside NET_RAW/)
  t.match(await refused('+setgid'), /capturing needs the capability NET_RAW/)
})
