import { send } from './client.js'
import { h } from './dom.js'
import { counted, time } from './format.js'
import { authorField, createForm, selectField, textField } from './forms.js'
import { namedBy } from './silence-parts.js'
import { weeklyField, weeklyOf } from './silence-weekly.js'

const WRITING_MS = 300
const SEVERITIES = { '': 'Any', critical: 'critical', warning: 'warning', info: 'info' }
const FOR = { '+1h': '1 hour', '+4h': '4 hours', '+1d': '1 day', until: 'Until a time of your choice' }
/** What names alerts, each an own line of the form. */
const NAMES = [
  { name: 'rule', label: 'Rules, by id' },
  { name: 'asn', label: 'AS numbers' },
  { name: 'label', label: 'Label', max: 255 },
  { name: 'prefix', label: 'Prefixes, and what lies inside' },
  { name: 'site', label: 'Sites' },
]

/**
 * The form for a silence: what it names, why, from when and until when, and how many alerts that fire now it names.
 * @param {{ named: Record<string, string>, refresh: () => Promise<void> }} about `named`: filled in from the start
 */
export function silenceForm({ named, refresh }) {
  const preview = h('p', { class: 'muted', role: 'status' })
  const until = h('label', { hidden: true }, 'Until', h('input', { name: 'ends_at', type: 'datetime-local' }))
  const { form, messages } = createForm({
    fields: [whatField(preview, named), whyFields(), whenFields(until), weeklyField()],
    button: 'Silence',
    async submit() {
      const silence = await send('/v1/silences', bodyOf(form))
      await refresh()
      return `Silenced until ${time(silence.ends_at).textContent}: it names ${counted(silence.matches, 'alert')} of those that fire now.`
    },
  })
  let writing
  form.addEventListener('input', () => {
    showEnd(form, until)
    clearTimeout(writing)
    writing = setTimeout(showPreview, WRITING_MS, form, preview)
  })
  form.addEventListener('reset', () => setTimeout(() => showEnd(form, until)))
  void showPreview(form, preview)
  return h('div', { class: 'card' }, form, messages)
}

function whatField(preview, named) {
  const names = NAMES.map(({ name, label, max = 2_000 }) => {
    const field = textField({ name, label, max, required: false })
    field.querySelector('input').defaultValue = named[name] ?? ''
    return field
  })
  return h(
    'fieldset',
    {},
    h('legend', {}, 'Which alerts'),
    h(
      'p',
      { class: 'muted' },
      'Those that meet every line that is filled in; several in a line are separated by commas.',
    ),
    h(
      'div',
      { class: 'lines-of-fields' },
      names,
      selectField({ name: 'severity', label: 'Severity', options: SEVERITIES }),
    ),
    h(
      'label',
      { class: 'check' },
      h('input', { type: 'checkbox', name: 'everything' }),
      'Every alert there is',
    ),
    preview,
  )
}

function whyFields() {
  return h(
    'div',
    { class: 'lines-of-fields' },
    authorField(),
    textField({ name: 'reason', label: 'Why, for those who wonder', max: 2_000 }),
  )
}

function whenFields(until) {
  return h(
    'div',
    { class: 'lines-of-fields' },
    selectField({ name: 'for', label: 'For', options: FOR }),
    until,
    h('label', {}, 'From, if not from now on', h('input', { name: 'starts_at', type: 'datetime-local' })),
  )
}

function showEnd(form, until) {
  const chosen = form.elements.namedItem('for').value === 'until'
  until.hidden = !chosen
  until.querySelector('input').required = chosen
}

/** What the server takes, of what is written. */
function bodyOf(form) {
  const values = new FormData(form)
  const from = values.get('starts_at')
  const length = values.get('for')
  const weekly = weeklyOf(values)
  return {
    ...namedBy(values),
    author: values.get('author'),
    reason: values.get('reason'),
    ...(from !== '' && { starts_at: inUtc(from) }),
    ends_at: length === 'until' ? inUtc(values.get('ends_at')) : length,
    ...(weekly !== undefined && { weekly }),
  }
}

/** What a date field says is in the reader's zone. */
function inUtc(local) {
  return new Date(local).toISOString()
}

async function showPreview(form, preview) {
  const named = namedBy(new FormData(form))
  const isEmpty = Object.values(named).every((value) => value === false || value.length === 0)
  let text = ''
  if (!isEmpty) {
    try {
      const { matches } = await send('/v1/silences/preview', named, { scope: 'read' })
      text =
        matches === 0
          ? 'Names no alert that fires now.'
          : `Names ${counted(matches, 'alert')} of those that fire now.`
    } catch (error) {
      text = error.message
    }
  }
  if (preview.textContent !== text) preview.textContent = text
}
