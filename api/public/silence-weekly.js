import { h } from './dom.js'

export const DAYS = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' }

/** Hours of the week to which a silence keeps, as those of a maintenance that comes back. */
export function weeklyField() {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  return h(
    'details',
    {},
    h('summary', {}, 'Only in some hours of the week'),
    h(
      'fieldset',
      {},
      h('legend', {}, 'Days on which they begin; none means all the time'),
      h(
        'div',
        { class: 'days' },
        Object.entries(DAYS).map(([value, name]) =>
          h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'day', value }), name),
        ),
      ),
      h(
        'div',
        { class: 'lines-of-fields' },
        h('label', {}, 'From', h('input', { type: 'time', name: 'day_from', value: '02:00' })),
        h(
          'label',
          {},
          'To; on the day after, when it is not later',
          h('input', { type: 'time', name: 'day_to', value: '04:00' }),
        ),
        h(
          'label',
          {},
          'Time zone',
          h('input', { name: 'time_zone', value: here, maxlength: 64, spellcheck: 'false' }),
        ),
      ),
    ),
  )
}

/** The hours that were chosen; undefined when none were. */
export function weeklyOf(values) {
  const days = values.getAll('day')
  if (days.length === 0) return undefined
  return { days, from: values.get('day_from'), to: values.get('day_to'), time_zone: values.get('time_zone') }
}
