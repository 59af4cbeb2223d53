import type { Message } from '../message.ts'

/** What became of an attempt. `refused`: the receiver answered, and not yes; `unreachable`: it did not answer, or is overloaded. */
export type Answer = { result: 'delivered' | 'refused' | 'unreachable'; answer: string }

export type Receiver = {
  readonly name: string
  /** It groups and repeats on its own: it is told every change at once, and what fires again and again. */
  readonly groupsItself: boolean
  /** Sends one message. Never throws. */
  send(message: Message): Promise<Answer>
  /** Tells again what fires, for receivers that forget it otherwise. */
  remind?(messages: readonly Message[]): Promise<Answer>
}
