// An operator who asks the leader for something again and again, in the network of the controllers: an exception that covers nobody.
// One argument, JSON: `{ apis, everyMs }`. Each yes of a leader is a line of JSON out, `{ name, answeredMs }`.
const { apis, everyMs } = JSON.parse(process.argv.at(-1) ?? '') as { readonly apis: readonly string[], readonly everyMs: number }

/** They end soon, so that there are never too many. */
const LIFE_MS = 60_000

for (let at = 0; ; at++) {
  const name = `order-${at}`
  const spec = { source: { namespace: 'nobody', name }, classes: ['PORT_SCAN'], upToSeverity: 'low', until: new Date(Date.now() + LIFE_MS).toISOString(), reason: name }
  const body = JSON.stringify({ spec, actor: 'chaos' })
  for (const api of apis) {
    const answer = await fetch(`${api}/api/v1/exceptions/${name}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(10_000) }).catch(() => null) // it follows, or is dead
    if (answer?.ok === true) console.log(JSON.stringify({ name, answeredMs: Date.now() }))
    await answer?.body?.cancel()
  }
  await new Promise((resolve) => setTimeout(resolve, everyMs))
}
