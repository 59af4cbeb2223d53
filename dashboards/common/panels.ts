import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge'
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { COLORS } from './colors.ts'
import { type Column, columnProperties } from './columns.ts'
import { clickHouse, DATASOURCE } from './target.ts'
import { PLAIN, type Steps, thresholdsOf } from './thresholds.ts'

/** What every panel says of itself. */
export type About = {
  /** Stays the same when panels move: links to a panel hold it. */
  id: number
  title: string
  /** How to read it, in a sentence or two. */
  description: string
  unit: string
  decimals?: number
  /** Width (of 24) and height in the grid. */
  size: readonly [width: number, height: number]
  /** Queries; each answers the panel's series or rows. */
  sql: readonly string[]
  steps?: Steps
}

/** Colours of series by name; those that are not named share the neutral colours of Grafana. */
export type SeriesColors = Readonly<Record<string, string>>

/** One figure, or one word when `text` names its column. */
export function statPanel({ text, ...about }: About & { text?: string }): stat.PanelBuilder {
  const reduce = new common.ReduceDataOptionsBuilder().calcs(['lastNotNull'])
  const panel = new stat.PanelBuilder()
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(text === undefined ? reduce : reduce.fields(`/^${text}$/`))
  return describe(panel, about, 'table')
}

/** Two series between which the panel is shaded: one point an hour, so that gaps between points mean nothing. */
export type Band = { low: string; high: string }

/** Lines over time. */
export function linesPanel({
  colors,
  band,
  ...about
}: About & { colors: SeriesColors; band?: Band }): timeseries.PanelBuilder {
  const panel = seriesPanel()
    .drawStyle(common.GraphDrawStyle.Line)
    .lineWidth(2)
    .spanNulls(false)
    .showPoints(common.VisibilityMode.Auto)
  if (band !== undefined) shaded(panel, band)
  return colored(describe(panel, about, 'timeseries'), colors)
}

/** A share from 0 to 1 over time; the axis may begin higher, so that a small dip can be seen. */
export function ratePanel(
  about: Omit<About, 'unit'> & { colors: SeriesColors; band?: Band },
): timeseries.PanelBuilder {
  return linesPanel({ ...about, unit: 'percentunit', decimals: 1 }).max(1)
}

/** Bars over time, one series on top of the other. */
export function stackPanel({ colors, ...about }: About & { colors: SeriesColors }): timeseries.PanelBuilder {
  const panel = seriesPanel()
    .drawStyle(common.GraphDrawStyle.Bars)
    .lineWidth(0)
    .fillOpacity(85)
    .min(0)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'))
  return colored(describe(panel, about, 'timeseries'), colors)
}

export function tablePanel({
  columns,
  ...about
}: Omit<About, 'unit'> & { columns: readonly Column[] }): table.PanelBuilder {
  const panel = new table.PanelBuilder().showHeader(true).cellHeight(common.TableCellHeight.Sm)
  // Figures without a column of their own would show up raw; the tests see to it that there are none.
  describe(panel, { ...about, unit: 'none' }, 'table')
  for (const column of columns) panel.overrideByName(column.name, columnProperties(column))
  return panel
}

/** One bar for each row, named by the row's text. */
export function barsPanel(about: About): bargauge.PanelBuilder {
  const panel = new bargauge.PanelBuilder()
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .valueMode(common.BarGaugeValueMode.Color)
    .reduceOptions(new common.ReduceDataOptionsBuilder().values(true).calcs(['lastNotNull']))
    .legend(new common.VizLegendOptionsBuilder().showLegend(false).calcs([]))
    .min(0)
    .max(1)
  return describe(panel, about, 'table')
}

function seriesPanel(): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .interval('1m')
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
}

function shaded(panel: timeseries.PanelBuilder, { low, high }: Band): void {
  const edge = (name: string) => [
    { id: 'displayName', value: name },
    { id: 'color', value: { mode: 'fixed', fixedColor: COLORS.past } },
    { id: 'custom.lineWidth', value: 1 },
    { id: 'custom.spanNulls', value: true },
    { id: 'custom.showPoints', value: 'never' },
  ]
  panel.overrideByName(low, edge(low))
  panel.overrideByName(high, [
    ...edge(high),
    { id: 'custom.fillBelowTo', value: low },
    { id: 'custom.fillOpacity', value: 20 },
  ])
}

function colored(panel: timeseries.PanelBuilder, colors: SeriesColors): timeseries.PanelBuilder {
  for (const [name, fixedColor] of Object.entries(colors)) {
    // Where several queries answer, Grafana would put the query's letter before the name.
    panel.overrideByName(name, [
      { id: 'displayName', value: name },
      { id: 'color', value: { mode: 'fixed', fixedColor } },
    ])
  }
  return panel
}

type AnyPanel = stat.PanelBuilder | timeseries.PanelBuilder | table.PanelBuilder | bargauge.PanelBuilder

function describe<P extends AnyPanel>(panel: P, about: About, as: 'timeseries' | 'table'): P {
  const { id, title, description, unit, decimals, size, sql, steps } = about
  panel.id(id).title(title).description(description).unit(unit).span(size[0]).height(size[1])
  panel.datasource(DATASOURCE)
  panel.targets(sql.map((text, at) => clickHouse(text, { refId: 'ABCDEF'.charAt(at), as })))
  panel.thresholds(thresholdsOf(steps ?? PLAIN))
  panel.colorScheme(colorsBy(as, steps))
  if (decimals !== undefined) panel.decimals(decimals)
  return panel
}

/** Series have colours of their own; a figure takes that of its threshold. */
function colorsBy(as: 'timeseries' | 'table', steps: Steps | undefined): dashboard.FieldColorBuilder {
  if (as === 'timeseries') {
    return new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassicByName)
  }
  if (steps !== undefined) {
    return new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds)
  }
  return new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(COLORS.text)
}
