import { join } from 'node:path'
import t from 'tap'
import { autoshield } from '../program.ts'

const VERBS = ['up', 'replay', 'detect', 'features', 'explain', 'mitigations', 'proxy-status', 'proxy-config', 'policy', 'audit', 'identity', 'detector', 'observer']

t.test('help lists every verb, and each verb\'s help shows an example', async (t) => {
  const { status, stdout } = await autoshield(['--help'])
  t.equal(status, 0)
  for (const verb of VERBS) t.match(stdout, new RegExp(`^  ${verb}\\b`, 'm'), verb)
  await Promise.all(VERBS.map(async (verb) => {
    const help = await autoshield([verb, '--help'])
    t.equal(help.status, 0, verb)
    t.match(help.stdout, new RegExp(`Examples:\\n  \\$ autoshield ${verb}`), verb)
  }))
})

t.test('a wrong call exits with 64 and says what is wrong', async (t) => {
  for (const [args, said] of [
    [['sweep'], /unknown command 'sweep'/],
    [['detect'], /missing required argument/],
    [['detect', 'x.pcap', '--colour'], /unknown option '--colour'/],
    [['detect', 'x.pcap', '-o', 'xml'], /Allowed choices are table, json, yaml/],
    [['up', '--api-port', '99999'], /port from 0 to 65535/],
    [['up', '--speed', '0'], /above 0/],
    [['audit', 'search', '--limit', '1.5'], /whole number from 1/],
    [['proxy', '--connections', '1.5'], /whole number from 1 to 10000000/],
    [['proxy', '--heap-mib', '0.3'], /whole number from 1 to 65536/],
    [['audit', 'search', '--since', 'yesterday'], /--since yesterday is no time/],
  ] as const) {
    const { status, stderr } = await autoshield(args)
    t.equal(status, 64, `${args.join(' ')}: ${stderr}`)
    t.match(stderr, said)
  }
  const { status, stderr } = await autoshield(['features', 'x.pcap'], { LOG_LEVEL: 'loud', ENABLE_ACTUATION: 'perhaps' })
  t.equal(status, 64)
  t.match(stderr, /LOG_LEVEL=loud/)
  t.match(stderr, /ENABLE_ACTUATION=perhaps/, 'every mistake is told at once')
})

t.test('policy validate passes the shipped policy and places the faults of a bad one', async (t) => {
  const good = await autoshield(['policy', 'validate', join(import.meta.dirname, '../../deploy/policies/default.yaml')])
  t.equal(good.status, 0, good.stderr)
  const folder = t.testdir({ 'bad.yaml': 'rules:\n  - name: x\n    attack_clas: PORT_SCAN\n    confidence_threshold: 1.5\n    actions:\n      - action_type: alert_only\n' })
  const bad = await autoshield(['policy', 'validate', join(folder, 'bad.yaml')])
  t.equal(bad.status, 65)
  t.match(bad.stdout, /bad\.yaml:3:\d+: .*attack_clas/)
  t.match(bad.stdout, /bad\.yaml:4:\d+: .*confidence_threshold/)
  const none = await autoshield(['policy', 'validate', join(folder, 'none.yaml')])
  t.equal(none.status, 65)
  t.match(none.stderr, /there is no such file/)
})

t.test('verbs that need a data folder say where it was looked for', async (t) => {
  const folder = join(t.testdir({}), 'nowhere')
  for (const args of [['mitigations', 'list'], ['explain', 'x'], ['audit', 'search'], ['audit', 'verify']]) {
    const { status, stderr } = await autoshield([...args, '--data', folder])
    t.equal(status, 65, args.join(' '))
    t.match(stderr, folder)
    t.match(stderr, /--data/)
  }
})
