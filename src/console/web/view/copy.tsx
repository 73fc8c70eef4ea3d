import { useEffect, useState } from 'preact/hooks'

/** A button that puts `text` on the clipboard and says so for a moment. */
export function Copy ({ text, children }: { text: string, children: preact.ComponentChildren }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return undefined
    const timer = window.setTimeout(() => setSaid(''), 2500)
    return () => window.clearTimeout(timer)
  }, [said])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('copied')
    } catch {
      setSaid('the browser does not allow it; select the text instead') // no permission, or no secure context
    }
  }
  return <span class="copy"><button type="button" onClick={() => copy()}>{children}</button><span role="status">{said}</span></span>
}
