import { useState } from 'preact/hooks'
import type { EvidenceManifest } from '../../../core/errand/evidence.ts'
import { bytes } from '../model/words.ts'
import { useFetched } from './fetched.ts'
import { Shown } from './shown.tsx'
import { Time } from './time.tsx'

/** As `/errands/ID/evidence` tells it. */
interface Kept { readonly manifest: EvidenceManifest, readonly sha256: string, readonly recorded: string, readonly state: 'as-kept' | 'changed', readonly changed: readonly string[] }

/** What was kept of a pod before it was evicted, fetched when somebody wants to see it. */
export function Evidence ({ errand }: { errand: string }) {
  const [asked, setAsked] = useState(false)
  return (
    <details class="yaml" onToggle={(event) => { if ((event.currentTarget as HTMLDetailsElement).open) setAsked(true) }}>
      <summary>Evidence that was kept</summary>
      {asked && <Holds errand={errand} />}
    </details>
  )
}

function Holds ({ errand }: { errand: string }) {
  const path = `/errands/${encodeURIComponent(errand)}/evidence`
  const kept = useFetched<Kept>(path)
  return (
    <Shown fetched={kept} what="the evidence">
      {({ manifest: { keptAt, files, missing }, sha256, state, changed }) => (
        <>
          <p class={state === 'as-kept' ? 'empty' : 'problem'}>{state === 'as-kept' ? 'As it was kept' : 'Not as it was kept: somebody changed it'}; kept <Time at={keptAt} />, sha256 of its account <code title={sha256}>{sha256.slice(0, 12)}</code>.</p>
          <div class="scroll" tabIndex={0} role="region" aria-label="Files of the evidence">
            <table>
              <thead><tr><th scope="col">File</th><th scope="col" class="num">Size</th><th scope="col">sha256</th></tr></thead>
              <tbody>
                {files.map((file) => (
                  <tr key={file.name}>
                    <td><a href={`/api/v1${path}/${encodeURIComponent(file.name)}`} download={`${errand}-${file.name}`}>{file.name}</a>{changed.includes(file.name) && <span class="problem"> changed since</span>}</td>
                    <td class="num">{bytes(file.bytes)}</td><td><code title={file.sha256}>{file.sha256.slice(0, 12)}</code></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {missing.length > 0 && <ul class="safety" aria-label="What could not be had">{missing.map(({ what, why }) => <li key={what}><b>Without {what}</b><span>{why}</span></li>)}</ul>}
        </>
      )}
    </Shown>
  )
}
