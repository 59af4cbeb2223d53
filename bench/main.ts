/** `npm run bench -- NAME`: runs one benchmark; without a name, lists them. */
const BENCHMARKS: Record<string, () => Promise<unknown>> = {
  pipeline: () => import('./pipeline/run.ts'),
  agent: () => import('./agent/run.ts'),
  enricher: () => import('./enricher/run.ts'),
  distributed: () => import('./distributed/run.ts'),
  detection: () => import('./detection/run.ts'),
  capture: () => import('./capture/run.ts'),
  dashboards: () => import('./dashboards/run.ts'),
  alerts: () => import('./alerts/run.ts'),
}

const [name = ''] = process.argv.splice(2, 1)
const benchmark = BENCHMARKS[name]
if (benchmark === undefined) {
  console.error(`npm run bench -- NAME, where NAME is one of ${Object.keys(BENCHMARKS).join(', ')}`)
  process.exitCode = 1
} else {
  await benchmark()
}
