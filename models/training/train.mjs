// `npm run train`: makes the Python environment outside the tree, once, and runs train.py in it with the flags given.
// `--sign-key FILE`, an Ed25519 key in PEM, signs what was trained.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const home = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'autoshield-mesh', 'training')
const python = join(home, 'venv', 'bin', 'python')
const requirements = join(here, 'requirements.txt')

function step (command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error) {
    console.error(`${command} could not be started (${error.message}). Training needs Python 3.11 or newer with its venv module (Debian: python3-venv).`)
    process.exit(64)
  }
  if (status !== 0) process.exit(status ?? 1)
}

/** Pip brings an environment with other pins to these; one that was left half-made has no stamp and is remade. */
function environment () {
  const stamp = join(home, 'requirements.sha256')
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex')
  const whole = existsSync(python) && existsSync(stamp)
  if (whole && readFileSync(stamp, 'utf8') === wanted) return
  if (whole) {
    console.log(`Bringing the Python environment in ${home} to the pinned versions.`)
    rmSync(stamp)
  } else {
    console.log(`Making the Python environment in ${home} (5.5 GB, some minutes, once).`)
    rmSync(join(home, 'venv'), { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    step('python3', ['-m', 'venv', join(home, 'venv')])
  }
  step(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', requirements])
  writeFileSync(stamp, wanted)
}

/** The flags of train.py, and the private key that the model is to be signed with. */
function withoutKey (all) {
  const at = all.indexOf('--sign-key')
  return at < 0 ? { args: all, key: null } : { args: all.toSpliced(at, 2), key: all[at + 1] ?? '' }
}

environment()
const { args, key } = withoutKey(process.argv.slice(2))
if (!args.includes('--environment-only')) {
  step(python, ['-u', join(here, 'train.py'), ...args], { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } })
  const folder = args.includes('--out') ? args[args.indexOf('--out') + 1] : join(here, '..')
  if (key !== null) step(process.execPath, [join(here, '..', '..', 'src', 'main.ts'), 'model', 'sign', folder, '--key', key])
}
