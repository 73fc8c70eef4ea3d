import t from 'tap'
import { ATTACKS } from './attacks/catalogue.ts'
import { BENIGN } from './benign/catalogue.ts'
import { HELD_OUT_RATES, drawWorld } from './draw-world.ts'
import { planRun } from './plan-run.ts'
import type { RunPlan } from './plan-run.ts'
import { CYCLE, scheduleRuns } from './schedule.ts'
import { SCENARIOS, isHeldOut } from './scenarios.ts'
import { HELD_OUT_SERVICES } from './settings.ts'

const plain = ({ world: { places, settings, files }, loads, attacks }: RunPlan) => ({ places, settings, files, loads, attacks })
const plan = (scenario: string, seed: number, unseen = false) => planRun({ scenario, seed, seconds: 60, unseen })
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed)

t.test('a seed gives the same plan twice, to the last password, and another seed another plan', (t) => {
  for (const scenario of Object.keys(SCENARIOS)) {
    t.same(plain(plan(scenario, 7)), plain(plan(scenario, 7)), scenario)
    t.notSame(plain(plan(scenario, 7)), plain(plan(scenario, 8)), scenario)
  }
  t.end()
})

t.test('what is held out from training is in no plan for training, and in many others', (t) => {
  const drawn = (unseen: boolean) => CYCLE.flatMap((scenario) => SEEDS.map((seed) => plan(scenario, seed, unseen)))
  const [from, to] = HELD_OUT_RATES
  const count = (plans: RunPlan[]) => {
    const attacks = plans.flatMap((one) => one.attacks.map(({ plan }) => plan))
    const rates = [...attacks, ...plans.flatMap(({ loads }) => loads)].map(({ rate }) => rate)
    const loads = plans.flatMap((one) => one.loads)
    return {
      tools: attacks.filter(({ tool }) => /masscan|nping|medusa|ncrack|socat tls|ssh -J|slow ssh to many|hping3 icmp/.test(tool)).length,
      services: attacks.filter(({ service }) => HELD_OUT_SERVICES.includes(service)).length + loads.filter(({ name }) => HELD_OUT_SERVICES.includes(BENIGN[name]?.service ?? '')).length,
      rates: rates.filter((rate) => rate !== null && rate >= from && rate < to).length,
    }
  }
  t.same(count(drawn(false)), { tools: 0, services: 0, rates: 0 })
  const unseen = count(drawn(true))
  t.ok(unseen.tools > 50 && unseen.services > 20 && unseen.rates > 100, JSON.stringify(unseen))
  t.end()
})

t.test('every attack and every kind of ordinary traffic can be drawn, within its run', (t) => {
  const [tools, kinds] = [new Set<string>(), new Set<string>()]
  for (const unseen of [false, true]) {
    for (const { attacks, loads, options } of CYCLE.flatMap((scenario) => SEEDS.map((seed) => plan(scenario, seed, unseen)))) {
      for (const { atSeconds, plan } of attacks) {
        tools.add(plan.class + plan.manner + plan.service)
        t.ok(atSeconds + plan.seconds <= options.seconds + 1, `${plan.tool} ends after ${atSeconds + plan.seconds} s`)
        t.ok(plan.victims.length > 0 && plan.legs.length > 0 && plan.attackers.length > 0, plan.tool)
      }
      for (const { name } of loads) kinds.add(name)
    }
  }
  t.same(Object.keys(BENIGN).filter((name) => !kinds.has(name)), [])
  const wanted = Object.entries(ATTACKS).flatMap(([name, variants]) => variants.map((variant) => name + (variant.manner ?? 'plain') + variant.service))
  t.same(wanted.filter((name) => !tools.has(name)), [])
  t.end()
})

t.test('every pod attacks, is attacked and is a client in some run, so that the address is not the label', (t) => {
  const plans = CYCLE.flatMap((scenario) => SEEDS.map((seed) => plan(scenario, seed)))
  for (const { name } of drawWorld('any', { unseen: false, proxied: 'none' }).everyone) {
    t.ok(plans.some(({ attacks }) => attacks.some(({ plan }) => plan.attackers.some((pod) => pod.name === name))), `${name} attacks`)
    t.ok(plans.some(({ attacks, world }) => attacks.some(({ plan }) => plan.victims.includes(world.pod(name).address))), `${name} is attacked`)
    t.ok(name === 'names' || plans.some(({ loads }) => loads.some(({ pod }) => pod.name === name)), `${name} is a client`)
  }
  t.end()
})

t.test('a schedule takes the hours that it was given, a quarter of its runs is held out, and each class has its own', (t) => {
  const runs = scheduleRuns(250, 8)
  t.equal(runs.length, 250)
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0)
  t.ok(Math.abs(seconds / 3600 - 8) < 0.1, `${seconds / 3600} hours`)
  const share = runs.filter(({ holdout }) => holdout).length / runs.length
  t.ok(share > 0.2 && share < 0.3, `${share} are held out`)
  t.same(scheduleRuns(250, 8), runs)
  const slowest = Math.max(...runs.filter(({ scenario }) => scenario === 'slow').map((run) => run.seconds))
  t.ok(slowest > 15 * 60, `a probe a minute has ${slowest} s to be seen in`)
  t.end()
})

t.test('what a model is judged by was made for nothing else: 200 attacks and more, and eight quiet hours with every look-alike', (t) => {
  const [training, attacks, quiet] = [scheduleRuns(250, 8), scheduleRuns(110, 3, 'attacks'), scheduleRuns(48, 8, 'quiet')]
  const seeds = [...training, ...attacks, ...quiet].map(({ seed }) => seed)
  t.equal(new Set(seeds).size, seeds.length, 'no run is another')
  t.ok([...attacks, ...quiet].every(({ holdout, unseen }) => holdout && unseen))
  const planned = attacks.flatMap((run) => planRun(run).attacks.map(({ plan }) => plan))
  t.ok(planned.length >= 200, `${planned.length} attacks`)
  for (const manner of ['slow', 'evasive']) t.ok(planned.filter((plan) => plan.manner === manner).length >= 20, manner)
  const plans = quiet.map(planRun)
  t.same(plans.flatMap((plan) => plan.attacks), [])
  const kinds = new Set(plans.flatMap(({ loads }) => loads.map(({ name }) => name)))
  t.same(Object.entries(BENIGN).flatMap(([name, { looksLike }]) => looksLike === undefined || kinds.has(name) ? [] : [name]), [])
  t.end()
})

t.test('no two variants of a class have one name, and all that is held out is known by its name', (t) => {
  for (const [name, variants] of Object.entries(ATTACKS)) {
    t.equal(new Set(variants.map((variant) => variant.name)).size, variants.length, name)
    t.ok(variants.some(isHeldOut), `${name} has something to be asked about`)
  }
  t.end()
})
