import { colour } from './chart.js'

/** The ground of a chart from one moment on, or between two, in seconds since 1970. */
export function shade(plot, from, to = Number.POSITIVE_INFINITY) {
  const { ctx, bbox } = plot
  const right = bbox.left + bbox.width
  const at = (moment) => Math.min(right, Math.max(bbox.left, plot.valToPos(moment, 'x', true)))
  const begin = at(from)
  const end = Number.isFinite(to) ? at(to) : right
  if (begin >= right || end <= begin) return
  ctx.save()
  ctx.fillStyle = colour('bad-ground')
  ctx.strokeStyle = colour('bad')
  ctx.lineWidth = devicePixelRatio
  ctx.fillRect(begin, bbox.top, end - begin, bbox.height)
  ctx.beginPath()
  ctx.moveTo(begin, bbox.top)
  ctx.lineTo(begin, bbox.top + bbox.height)
  ctx.stroke()
  ctx.restore()
}
