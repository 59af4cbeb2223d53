import type { KafkaConnection } from '../../core/bus/kafka/connection.ts'
import type { TopicSettings } from '../../core/bus/kafka/topics.ts'
import type { Config } from '../../core/runtime/config.ts'
import { optionalFileText, passwordOf } from '../file-text.ts'

/** How to reach Kafka, as configured; files are read now. */
export function kafkaConnection({ kafka }: Config): KafkaConnection {
  const { sasl_mechanism: mechanism, sasl_username: username = '' } = kafka
  const password = passwordOf('kafka.sasl_password', {
    password: kafka.sasl_password,
    file: kafka.sasl_password_file,
  })
  return {
    brokers: kafka.brokers,
    clientId: kafka.client_id,
    ...(kafka.tls ? { tls: tlsOf(kafka) } : {}),
    ...(mechanism === undefined ? {} : { sasl: { mechanism, username, password: password ?? '' } }),
  }
}

export function topicSettings({ kafka }: Config): TopicSettings {
  return {
    topic: kafka.topic,
    partitions: kafka.partitions,
    replication: kafka.replication,
    retentionMs: kafka.retention,
    maxMessageBytes: kafka.max_message,
  }
}

function tlsOf(kafka: Config['kafka']): NonNullable<KafkaConnection['tls']> {
  const ca = optionalFileText('kafka.tls_ca', kafka.tls_ca)
  const cert = optionalFileText('kafka.tls_cert', kafka.tls_cert)
  const key = optionalFileText('kafka.tls_key', kafka.tls_key)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}
