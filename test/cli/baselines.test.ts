import t from 'tap'
import { stage } from '../console/stage.ts'
import { autoshield } from '../program.ts'

t.test('what a workload is known for is taught, listed and forgotten', async (t) => {
  const { loop, urls } = await stage(t)
  const baselines = async (...args: string[]) => autoshield(['baselines', ...args, '--api', urls.api])
  const until = new Date(loop.now() + 3_600_000).toISOString()
  t.match(await baselines('list'), { status: 0, stdout: /nothing is known yet/ })

  const learn = ['learn', '--source', 'ops/StatefulSet/bastion', '--known-for', 'sessions', '--port', '22', '--until', until]
  t.match(await baselines(...learn, '--amount', '200', '--reason', 'it logs in everywhere', '--actor', 'jo'), { status: 0, stdout: `ops/StatefulSet/bastion > any: known for sessions at port 22 until ${until}\n` })
  t.match((await baselines('list', '--workload', 'ops/StatefulSet/bastion')).stdout, /^SOURCE +TARGET +KNOWN FOR +PORT +STEP +USUAL +HOURS +KNOWN +EXPIRES +BY\nops\/StatefulSet\/bastion +any +sessions +22 +- +200 +- +yes +\S+ +\S*jo: it logs in everywhere\n$/)
  t.match(JSON.parse((await baselines('list', '-o', 'json')).stdout), { source: 'ops/StatefulSet/bastion', amount: 200, expires: until })

  t.match(await baselines('forget', 'ops/StatefulSet/bastion', '--reason', 'it was broken into'), { status: 0, stdout: 'ops/StatefulSet/bastion: 1 forgotten\n' })
  t.equal(loop.remembered.taught.size, 0)
})

t.test('what cannot be taught or forgotten is refused with what to mend', async (t) => {
  const { loop, urls } = await stage(t)
  const baselines = async (...args: string[]) => autoshield(['baselines', ...args, '--api', urls.api])
  const about = ['--until', new Date(loop.now() + 3_600_000).toISOString(), '--reason', 'x']
  t.match(await baselines('learn', '--source', 'bastion', '--known-for', 'upload', ...about), { status: 65, stderr: /spec\.source: "bastion".*spec\.amount: say how much/s })
  t.match(await baselines('learn', '--source', '10.0.0.7', '--known-for', 'sessions', '--port', 'ssh', ...about), { status: 64, stderr: /--port ssh is no number/ })
  t.match(await baselines('forget', 'shop/Deployment/web', '--reason', 'x'), { status: 65, stderr: /shop\/Deployment\/web/ })
})
