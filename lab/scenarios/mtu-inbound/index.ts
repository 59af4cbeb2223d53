export { type MtuInboundResult, type NetworkResult, renderMtuInbound } from './result.ts'
export { type LabPipeline, type MtuInboundOptions, PROGRAMS, runMtuInbound } from './run.ts'
