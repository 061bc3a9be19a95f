/** What a person reads of one peer; lines come as they are known. */
export interface PeerView {
  /** Sets a line of the card, and adds it where it is new. */
  line(label: string, text: string, look?: 'machine' | 'large'): void
  state(look: 'waiting' | 'good' | 'bad', text: string): void
}

/** Adds a card to the page. */
export function showPeer({ title, found }: { title: string; found: string }): PeerView {
  const card = element('section', 'peer')
  const heading = element('h2', '', title)
  const state = element('span', 'state', '…')
  const list = element('dl', '')
  heading.append(element('small', '', found), state)
  card.append(heading, list)
  place('peers').append(card)
  const lines = new Map<string, HTMLElement>()
  return {
    line(label, text, look) {
      let line = lines.get(label)
      if (line === undefined) {
        line = element('dd', look ?? '')
        lines.set(label, line)
        list.append(element('dt', '', label), line)
      }
      line.textContent = text
    },
    state(look, text) {
      card.className = `peer ${look}`
      state.textContent = text
    },
  }
}

export function showSelf(text: string): void {
  place('self').textContent = text
}

function place(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element "${id}"`)
  return found
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}
