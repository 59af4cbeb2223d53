import type { Config } from '../core/runtime/config.ts'
import type { Retention } from '../core/store/retention.ts'

export function retentionOf({ store }: Config): Retention {
  return { raw: store.retention_raw, minutes: store.retention_minutes, hours: store.retention_hours }
}
