/** Headers of a Kafka message as kafkajs gives them. */
export type Headers = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>

/** A header's text; of several with one name, the first. */
export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  const first = Array.isArray(value) ? value[0] : value
  return first === undefined ? undefined : first.toString()
}

/** A header that is a whole number from 0 to 2^53 - 1; undefined when it is none. */
export function countHeader(headers: Headers, name: string): number | undefined {
  const text = header(headers, name)
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
