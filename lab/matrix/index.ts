export { type Conclude, type Finding, OBSERVERS, runMatrix } from './run.ts'
export { MATRIX, type Scenario } from './scenarios.ts'
