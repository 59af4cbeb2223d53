import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** They wait for minutes to pass: begun first, they end beside the others and not after them. */
const LONGEST = [
  'lab/mtu-inbound.integration.test.ts',
  'cli/alerts.integration.test.ts',
  'cli/console.integration.test.ts',
  'cli/console-alerts.integration.test.ts',
  'volume/volume.test.ts',
  'cli/distributed/chaos.integration.test.ts',
  'cli/doctor.integration.test.ts',
  'cli/heals.integration.test.ts',
  'cli/lab-matrix.integration.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(name))
      return found < 0 ? LONGEST.length : found
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'data/**'],
    globalSetup: 'agent/testing/scratch.ts',
    pool: 'forks',
    // Half of what the long files do is to wait: three share two cores well, and a browser, a broker and an engine fit.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
  },
})
