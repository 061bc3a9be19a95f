// Filters for a report. Without it the page shows everything.
const filters = document.querySelector('.filters')
const requirements = [...document.querySelectorAll('.requirement')]
const search = filters.querySelector('input[type=search]')
const shown = filters.querySelector('.shown')
const empty = document.querySelector('.empty')

const chosen = (name) =>
  [...filters.querySelectorAll(`input[name=${name}]:checked`)].map(({ value }) => value)

function apply() {
  const verdicts = chosen('verdict')
  const levels = chosen('level')
  const roles = chosen('role')
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (element) =>
    (verdicts.length === 0 ||
      verdicts.some((one) => element.dataset.verdicts.split(' ').includes(one))) &&
    (levels.length === 0 || levels.includes(element.dataset.level)) &&
    (roles.length === 0 || roles.includes(element.dataset.role)) &&
    words.every((word) => element.dataset.text.includes(word))
  let count = 0
  for (const requirement of requirements) {
    const cases = [...requirement.querySelectorAll('.case')]
    for (const one of cases) {
      one.hidden = !fits(one)
      if (!one.hidden) count++
    }
    requirement.hidden = cases.every((one) => one.hidden)
  }
  for (const role of document.querySelectorAll('.role')) {
    role.hidden = [...role.querySelectorAll('.requirement')].every((one) => one.hidden)
  }
  shown.textContent = `${count} ${count === 1 ? 'check' : 'checks'}`
  empty.hidden = count > 0
}

/** A link with #NT-DNS-017 opens that requirement. */
function follow() {
  const element = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  for (let one = element; one !== null; one = one.parentElement) {
    if (one instanceof HTMLDetailsElement) one.open = true
  }
  element?.scrollIntoView()
}

filters.hidden = false
filters.addEventListener('input', apply)
filters.addEventListener('submit', (event) => event.preventDefault())
addEventListener('hashchange', follow)
apply()
follow()
