import t from 'tap'
import { GREETING_TOOLS, MYSQL_CLIENT, MYSQL_PORT, SMTP_PORT, startMail, startMysql } from '../../lab/servers/greeting.ts'
import type { Pod } from '../../lab/pod.ts'
import { until } from '../../xds/real-envoy.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(240_000)

/** All rows in one answer, and a statement that is longer than a packet. */
const questions = ['select id, name, price from item', `select length('${'x'.repeat(100_000)}')`]
const asked = async (from: Pod, server: Pod, question: string): Promise<string> =>
  await from.must(`${MYSQL_CLIENT} -h ${server.address} | md5sum`, { input: question })

const letter = (subject: string): string => `From: bob@shop.lab\nTo: alice@shop.lab\nSubject: ${subject}\n\n${'All of the books are here. '.repeat(40)}\n`
const posted = async (from: Pod, server: Pod, subject: string): Promise<string> => {
  await from.must(`smtp -s smtp+notls://${server.address}:${SMTP_PORT} -F bob@shop.lab alice@shop.lab`, { input: letter(subject) })
  return await until(`mail '${subject}'`, async () => (await server.run(`cat $(grep -l '^Subject: ${subject}$' ~alice/Maildir/new/*)`)).stdout || undefined)
}
const body = (mail: string): string => mail.slice(mail.indexOf('\n\n'))

/** Milliseconds from a connection's begin to the first byte of the greeting: the middle one of 21. */
async function greetingMs (from: Pod, server: Pod, port: number): Promise<number> {
  const lines = await from.must(`for i in $(seq 21); do
    began=$EPOCHREALTIME; exec 3<>/dev/tcp/${server.address}/${port}; read -r -N 1 -u 3; ended=$EPOCHREALTIME
    echo $((\${ended/./} - \${began/./})); exec 3>&-
  done | sort -n`)
  return Number(lines.split('\n')[10]) / 1000
}

t.test('MySQL and SMTP, whose servers speak first, pass the redirect of both directions unchanged', { skip: skipShielded(GREETING_TOOLS) }, async (t) => {
  const { victim, scanner, client, stat } = await shieldedPod(t)
  const near = `'near'@'${client.address}'`
  await Promise.all([startMysql(victim, [`create user ${near} identified by 'app-secret';`, `grant all on shop.* to ${near};`]), startMysql(client), startMail(victim), startMail(client)])
  for (const [from, server, listener] of [[client, victim, 'inbound'], [victim, client, 'outbound']] as const) {
    const through = (): Promise<number> => stat(`listener.${listener}.downstream_cx_total`)
    const before = await through()
    // What the server's own pod asks of it passes no proxy.
    for (const question of questions) t.equal(await asked(from, server, question), await asked(server, server, question), `${listener}: ${question.slice(0, 40)}`)
    const who = await from.must(`${MYSQL_CLIENT} -h ${server.address} -e 'select user()'`)
    t.equal(who, `app@${from.address}\n`, `${listener}: the server sees who asks`)
    t.equal(body(await posted(from, server, 'through')), body(await posted(server, server, 'direct')), `${listener}: a letter`)
    t.equal(await through(), before + questions.length + 2, 'by way of Envoy')
    for (const [name, port] of [['MySQL', MYSQL_PORT], ['SMTP', SMTP_PORT]] as const) {
      const [direct, proxied] = [await greetingMs(server, server, port), await greetingMs(from, server, port)]
      t.comment(`${listener} ${name}: the greeting comes after ${proxied} ms, within the server's pod after ${direct} ms`)
    }
    t.equal(await stat(`listener.${listener}.downstream_pre_cx_timeout`), 0, 'nothing waited for the client to speak')
  }
  const asNear = `${MYSQL_CLIENT.replace('-u app', '-u near')} -h ${victim.address} -e 'select count(*) from item'`
  t.equal(await client.must(asNear), '20000\n', 'a grant to an address lets it in')
  t.match((await scanner.run(asNear)).stderr, `Access denied for user 'near'@'${scanner.address}'`, 'and nobody else')
})
