import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { Lab, missingForLab, removeFiles } from './lab.ts'

t.setTimeout(120_000)

const skip = skipWithout(missingForLab())
const PODS = [{ name: 'client', address: '10.9.0.1' }, { name: 'server', address: '10.9.0.2', alsoAt: ['10.9.1.2'] }]

/** What a laboratory could leave on the machine itself. */
function traces (): string {
  return [['ip', 'netns', 'list'], ['ip', '-o', 'link', 'show'], ['nft', 'list', 'ruleset'], ['cat', '/etc/passwd'], ['sysctl', 'net.ipv4.ip_forward']]
    .map(([program = '', ...args]) => spawnSync(program, args, { encoding: 'utf8' }).stdout).join('\n')
}

const alive = (pid: number) => existsSync(`/proc/${pid}/ns/net`)

t.test('a laboratory is gone without trace', { skip }, async (t) => {
  const before = traces()
  const lab = await Lab.start({ pods: PODS })
  const pids = [lab.gateway, ...lab.pods].map((pod) => pod.pid)
  const stubborn = lab.pod('server').spawn('trap "" TERM; while :; do sleep 1; done')
  t.ok(pids.every(alive))
  await lab[Symbol.asyncDispose]()
  await stubborn.done
  t.equal(traces(), before)
  t.notOk(pids.some(alive), 'no process is left')
  t.notOk(existsSync(lab.folder), 'no file is left')
})

t.test('pods reach each other at every address, and nothing else', { skip }, async (t) => {
  await using lab = await Lab.start({ pods: PODS })
  const client = lab.pod('client')
  const ping = async (address: string) => (await client.run(`ping -c 1 -W 1 ${address}`)).code === 0
  t.ok(await ping('10.9.0.2'))
  t.ok(await ping('10.9.1.2'))
  for (const outside of ['10.9.0.77', '192.0.2.1', '1.1.1.1']) t.notOk(await ping(outside), outside)
  t.match(await client.must('hostname; whoami'), /client\nroot/)
  t.throws(() => lab.pod('nobody'), /there are: client, server/)
})

t.test('two laboratories with the same addresses do not meet', { skip }, async (t) => {
  await using one = await Lab.start({ pods: PODS })
  await using other = await Lab.start({ pods: PODS })
  one.pod('server').spawn('nc -l -k -n -p 7000')
  await one.pod('server').listening(7000)
  t.equal((await one.pod('client').run('nc -z -w 1 10.9.0.2 7000')).code, 0)
  t.not((await other.pod('client').run('nc -z -w 1 10.9.0.2 7000')).code, 0)
})

t.test('a capture at the gateway has every packet between pods once', { skip }, async (t) => {
  await using lab = await Lab.start({ pods: PODS })
  const file = join(lab.folder, 'test.pcap')
  const capture = await lab.capture(file)
  await lab.pod('client').must('ping -c 5 -i 0.05 10.9.0.2')
  t.same(await capture.stop(), { packets: 10, droppedByKernel: 0 })
})

t.test('when the process is killed, its pods die with it, and what they left can be removed', { skip }, async (t) => {
  const program = `import { Lab } from ${JSON.stringify(join(import.meta.dirname, 'lab.ts'))}
    const lab = await Lab.start({ pods: [{ name: 'a', address: '10.9.0.1' }] })
    lab.pod('a').spawn('setsid sleep 600')
    console.log(lab.folder, lab.pod('a').pid)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [folder = '', pid] = String((await child.stdout.take(1).toArray())[0]).split(' ')
  t.ok(alive(Number(pid)))
  child.kill('SIGKILL')
  // The kernel ends them on its own; there is nothing to await but the process table.
  for (let i = 0; i < 100 && alive(Number(pid)); i++) await delay(20)
  t.notOk(alive(Number(pid)))
  t.ok(removeFiles('abandoned').includes(folder))
  t.notOk(existsSync(folder))
})
