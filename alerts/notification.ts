import type { Message } from './message.ts'

/** A row of `notifications`: a message to a receiver, on its way or sent. */
export type Notification = {
  /** The idempotency key: the same message has the same, however often it is tried. */
  id: string
  receiver: string
  rule: string
  /** The alerts that are told together: those of one rule and one network. */
  group_key: string
  /** Counts the messages of a group to a receiver, from 1. */
  number: number
  status: 'firing' | 'resolved'
  /** Ids of the alerts that fire, or that ended with a `resolved` one. */
  alerts: string[]
  /** Evaluated minute it was made in, seconds since 1970. */
  minute: number
  /** ms since 1970. */
  created_at: number
  message: Message
  state: 'queued' | 'delivered' | 'given_up'
  attempts: number
  /** ms since 1970. */
  next_attempt_at: number
  /** What the receiver said last, or why it could not be reached. */
  answer: string
}

/** What a receiver was told last of a group. */
export type Told = Pick<
  Notification,
  'receiver' | 'group_key' | 'rule' | 'number' | 'status' | 'alerts' | 'minute' | 'created_at' | 'state'
>

export type Attempt = {
  notification: string
  receiver: string
  attempt: number
  /** ms since 1970. */
  at: number
  milliseconds: number
  result: 'delivered' | 'refused' | 'unreachable'
  answer: string
}
