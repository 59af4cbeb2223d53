export * from './event.ts'
export * from './fields.ts'
export * from './ndjson.ts'
export * from './parse.ts'
