import type { Message } from '../message.ts'
import { post } from './post.ts'
import type { Receiver } from './receiver.ts'

/** Slack takes messages of up to 40,000 characters and shows 4,000. */
const LONGEST = 3_500

/** An incoming webhook of Slack, or of what understands the same (Mattermost, Rocket.Chat, Discord with /slack). */
export function createSlackReceiver({ name, url }: { name: string; url: string }): Receiver {
  return { name, groupsItself: false, send: (message) => post(url, JSON.stringify(slackMessage(message))) }
}

export function slackMessage({ title, text }: Pick<Message, 'title' | 'text'>): { text: string } {
  const body = text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text
  return { text: `*${escaped(title)}*\n${escaped(body)}` }
}

/** Source: https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
