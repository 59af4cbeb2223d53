/**
 * Conditions that the dashboards' variables stand for. `$__conditionalAll` makes `1=1` of one whose variable is "All";
 * `:sqlstring` quotes the values, so that a name with an apostrophe is a name.
 */
export const UNNAMED = '(unnamed)'

/** A site without a name would be an empty value, which Grafana takes for "All". */
export const SITE_NAME = `if(site = '', '${UNNAMED}', site)`
export const LABEL_NAME = `if(label = '', '${UNNAMED}', label)`

export const SITE = all('site', `${SITE_NAME} IN (\${site:sqlstring})`)
export const IP_VERSION = all('ip_version', `toString(ip_version) IN (\${ip_version:sqlstring})`)
export const CAUSE = all('cause', `cause IN (\${cause:sqlstring})`)

/** The network that the page is about: `64500`, or `AS64500` as a person would type it. */
export const ASN = `toUInt32OrZero(extract(\${asn:sqlstring}, '[0-9]+'))`
export const LABEL = all('label', `${LABEL_NAME} IN (\${label:sqlstring})`)
/** Part of a server name; everything when nothing is typed. */
export const SERVER_NAME = `positionCaseInsensitiveUTF8(server_name, \${server_name:sqlstring}) > 0`

/** What handshakes must meet on every dashboard that shows them. */
export const SCOPE = [SITE, IP_VERSION] as const
export const OF_NETWORK = [`asn = ${ASN}`, LABEL, ...SCOPE] as const

function all(variable: string, condition: string): string {
  return `$__conditionalAll(${condition}, $${variable})`
}
