/**
 * Conditions on the table of single handshakes for rules by agent and server name. A name is compared as written and, for
 * `*.example.com`, by its end: of a name only those ends are looked at that are as long as a pattern, so that neither many
 * patterns nor long names cost much.
 */

export type Named = { agents: readonly string[]; server_names: readonly string[] }

/** The parameters of the conditions below. */
export function namedParameters({ agents, server_names }: Named) {
  const patterns = server_names.filter((name) => name.startsWith('*.'))
  const depths = new Set(patterns.map((pattern) => pattern.split('.').length - 1))
  return { agents: [...agents], server_names: [...server_names], depths: [...depths] }
}

/** The agent if rules name it, else ''. */
export const NAMED_AGENT = "if(agent IN {agents:Array(String)}, toString(agent), '')"

const PARTS = "splitByChar('.', lower(toString(server_name)))"
const ENDS = `arrayMap(
    depth -> concat('*.', arrayStringConcat(arraySlice(${PARTS}, -depth), '.')),
    arrayFilter(depth -> depth < length(${PARTS}), {depths:Array(Int64)}))`

/** Those of the rules' names and patterns that a handshake's server name meets. */
export const NAMED_SERVERS = `arraySort(arrayFilter(
    name -> name IN {server_names:Array(String)},
    arrayPushFront(${ENDS}, lower(toString(server_name)))))`

/** That one of the agents reported it and one of the server names was asked for; nothing given means all. */
export const IS_NAMED = `(empty({agents:Array(String)}) OR agent IN {agents:Array(String)})
    AND (empty({server_names:Array(String)}) OR notEmpty(${NAMED_SERVERS}))`
