export { CaptureError } from './capture-error.ts'
export { CAPTURE_ERRORS } from './ending.ts'
export { captureFilter, hasVlans } from './filter.ts'
export {
  createFlows,
  type Decided,
  type FlowCounts,
  type FlowOptions,
  type Flows,
  readCapture,
} from './flows.ts'
export { type Capture, type CaptureOptions, startCapture } from './live.ts'
