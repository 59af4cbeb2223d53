export { type MtuInboundResult, type NetworkResult, renderMtuInbound } from './result.ts'
export { type LabPipeline, type MtuInboundOptions, runMtuInbound } from './run.ts'
