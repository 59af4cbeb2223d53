import { byId, h } from './dom.js'
import { createForm } from './forms.js'

let count = 0

/**
 * Asks in a dialog for what an order needs, and closes it when the server has taken it. Lists are read anew while one
 * writes: in a dialog nothing is lost by that.
 * @param {{ key: string, title: string, intro: string, fields: Node[], button: string,
 *   submit: (values: Record<string, string>) => Promise<string> }} options
 *   `key` is the data-key of what opened it, to which the focus returns; `submit` resolves to the sentence that is told
 */
export function openAction({ key, title, intro, submit, ...rest }) {
  count += 1
  const id = `action-${count}`
  const { form, messages } = createForm({
    ...rest,
    async submit(values) {
      const told = await submit(values)
      dialog.close()
      byId('told').textContent = told
      return told
    },
  })
  const dialog = h(
    'dialog',
    { 'aria-labelledby': id, class: 'order', onclose },
    h('h2', { id }, title),
    h('p', {}, intro),
    form,
    messages,
  )
  form
    .querySelector('.buttons')
    .append(h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'))

  function onclose() {
    dialog.remove()
    document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus()
  }

  document.body.append(dialog)
  dialog.showModal()
}
