/** The content type that ClickHouse answers a format with. Source: ClickHouse src/Formats and src/Processors/Formats. */
export function contentTypeOf(format: string): string {
  if (/^(JSON\w*EachRow\w*|PrettyJSONEachRow|JSONLines|NDJSON|PrettyNDJSON)$/i.test(format)) {
    return 'application/x-ndjson; charset=UTF-8'
  }
  if (/^JSON/i.test(format)) return 'application/json; charset=UTF-8'
  if (/^CSV/i.test(format))
    return `text/csv; charset=UTF-8; header=${/Names/i.test(format) ? 'present' : 'absent'}`
  if (/^(TabSeparated|TSV)/i.test(format)) return 'text/tab-separated-values; charset=UTF-8'
  if (/^XML$/i.test(format)) return 'application/xml; charset=UTF-8'
  if (/^(Native|RowBinary|Arrow|Parquet|ORC|Avro|Protobuf|MsgPack|BSON|Npy)/i.test(format)) {
    return 'application/octet-stream'
  }
  return 'text/plain; charset=UTF-8'
}
