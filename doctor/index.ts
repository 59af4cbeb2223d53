export { examine, type Findings, NameUnknown, type Request } from './examine.ts'
export { FAULTS, type Fault, judge, type Verdict } from './verdict.ts'
