export {
  type LabPipeline,
  type MtuInboundOptions,
  type MtuInboundResult,
  PROGRAMS,
  renderMtuInbound,
  runMtuInbound,
} from './mtu-inbound/index.ts'

/** The scenarios there are, for `halfshake lab list`. */
export const SCENARIOS = [
  {
    name: 'mtu-inbound',
    summary:
      'one network behind a hop of 1400 bytes that sends no ICMP: ClientHellos larger than that never arrive whole',
    duration: '4 to 6 minutes',
  },
] as const
