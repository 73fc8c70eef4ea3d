import t from 'tap'
import { autoshield } from '../program.ts'
import { missingForLab } from '../lab/lab.ts'
import { findTool, skipWithout } from '../setup/tools.ts'
import { guardedApp, ShieldedLab } from './shielded-lab.ts'

t.setTimeout(240_000)

const missing = [...missingForLab(['nmap', 'hydra', 'curl', 'nft']), findTool('envoy').missing].filter((line) => line !== undefined)

t.test('a real scan and real guessing are found live, refused at a real Envoy, and nobody else notices', { skip: skipWithout(missing), timeout: 240_000 }, async (t) => {
  await using shielded = await ShieldedLab.start(['friend', 'scanner', 'guesser'], guardedApp)
  const { lab } = shielded
  const victim = lab.pod('victim').address
  for (const pod of ['friend', 'scanner', 'guesser']) t.equal(await shielded.get(pod, '/healthz'), 200, `${pod} is served before`)
  // One connection that stays open, and a new one every other second, while all else happens.
  const friend = [`curl --rate 4/s -s -o /dev/null -w '%{http_code} %{errormsg}\\n' -m 3 'http://${victim}/page/[1-100]'`,
    `for i in $(seq 12); do curl -s -o /dev/null -w '%{http_code} %{errormsg}\\n' -m 3 http://${victim}/healthz; sleep 2; done`]
    .map(async (command) => lab.pod('friend').must(command, { timeoutMs: 120_000 }))

  const scan = lab.pod('scanner').run(`nmap -n -Pn -sT --max-rate 300 -p1-2000 ${victim}`, { timeoutMs: 60_000 })
  const scanned = await shielded.programmed('scanner')
  t.equal(scanned.detection.class, 'PORT_SCAN')
  t.equal(scanned.detection.simulated, false)
  t.equal(scanned.mitigation.status.simulated, false)
  t.ok(scanned.detection.explanation.sentence.includes(lab.pod('scanner').address), scanned.detection.explanation.sentence)
  t.equal(await shielded.get('scanner'), null, 'the scanner\'s new connections are refused')
  await scan

  const passwords = Array.from({ length: 400 }, (_, at) => `guess${at}`).join('\n')
  const guessing = lab.pod('guesser').run(`hydra -I -t 4 -l alice -P <(echo '${passwords}') -s 80 ${victim} http-post-form '/login:user=^USER^&pass=^PASS^:F=incorrect'`, { timeoutMs: 60_000 })
  const guessed = await shielded.programmed('guesser')
  t.equal(guessed.detection.class, 'BRUTE_FORCE')
  t.equal(await shielded.get('guesser'), null, 'the guesser\'s new connections are refused')
  await guessing

  const answers = (await Promise.all(friend)).flatMap((text) => text.trim().split('\n'))
  t.same(answers.filter((answer) => answer.trim() !== '200'), [], `the friend was served ${answers.length} times without a fault`)

  const undone = await shielded.revert(scanned.mitigation.metadata.name, 'a drill')
  t.equal(undone.status.phase, 'reverted')
  await shielded.until('the scanner is served again', async () => await shielded.get('scanner', '/healthz') === 200)
  t.equal(await shielded.get('guesser'), null, 'the other restriction holds')

  const proved = await autoshield(['audit', 'verify', '--data', shielded.data])
  t.equal(proved.status, 0, proved.stdout + proved.stderr)
})
