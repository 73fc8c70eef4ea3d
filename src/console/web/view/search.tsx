/** A search whose text is in the address, so that it can be linked to. */
export function Search ({ text, label, example, href }: { text: string, label: string, example: string, href: (text: string) => string }) {
  const search = (event: SubmitEvent) => {
    event.preventDefault()
    location.hash = href(String(new FormData(event.currentTarget as HTMLFormElement).get('text')).trim().slice(0, 200))
  }
  return (
    <form class="search" onSubmit={search} role="search">
      <label for="search-text">{label}</label>
      <input id="search-text" name="text" type="search" maxLength={200} defaultValue={text} placeholder={example} />
      <button type="submit">Search</button>
    </form>
  )
}
