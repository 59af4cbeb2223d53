import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken } from '../../runtime/tokens.ts'
import type { EmbeddedStore } from '../embedded.ts'
import { storeAt, temporaryFolder } from '../testing.ts'
import { interfaceOf } from './testing.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: EmbeddedStore
let open: Awaited<ReturnType<typeof interfaceOf>>
let closed: Awaited<ReturnType<typeof interfaceOf>>

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
  await store.command(
    'CREATE TABLE notes (id UInt32, text String, at DateTime DEFAULT 7) ENGINE = MergeTree ORDER BY id',
  )
  await store.command("INSERT INTO notes (id, text) VALUES (1, 'one')")
  open = await interfaceOf(store, { limits: { maxData: 1_000_000, maxHeldResult: 2_000_000 } })
  closed = await interfaceOf(store, {
    users: [
      { name: 'grafana', hash: hashToken('look'), access: 'reader' },
      { name: 'halfshake', hash: hashToken('write'), access: 'admin' },
    ],
  })
})
afterAll(async () => {
  await open?.stop()
  await closed?.stop()
  await store?.stop()
  await folder?.remove()
})

describe('the ClickHouse HTTP interface, asked with curl', () => {
  it('answers /ping and / without a user', async () => {
    for (const path of ['/ping', '/']) {
      const answer = await fetch(closed.url + path)
      expect([answer.status, await answer.text()]).toEqual([200, 'Ok.\n'])
    }
    expect((await fetch(`${closed.url}/play`)).status).toBe(404)
  })

  it('takes a query from the URL, from the body, and from both', async () => {
    expect((await open.curl({ query: 'SELECT 1' })).body).toBe('1\n')
    expect((await open.curl({}, '--data-binary', 'SELECT 2')).body).toBe('2\n')
    expect((await open.curl({ query: 'SELECT' }, '--data-binary', '3')).body).toBe('3\n')
  })

  it('takes long parameters in the URL, as a ClickHouse server does', async () => {
    const query = 'SELECT length({text:String})'
    const answer = await open.curl({ query, param_text: 'x'.repeat(100_000) })
    expect([answer.status, answer.body]).toEqual([200, '100000\n'])
  })

  it('is not held up by a query of nothing but comments', async () => {
    expect((await open.curl({ query: `${'/**/'.repeat(1_000)}SELECT 1` })).body).toBe('1\n')
  })

  it('answers in the format of the clause, else of the URL, else of the header', async () => {
    const header = ['-H', 'X-ClickHouse-Format: CSV']
    const a = await open.curl(
      { query: "SELECT 'x' AS a FORMAT JSONEachRow", default_format: 'TSV' },
      ...header,
    )
    expect([a.body, a.headers['x-clickhouse-format'], a.headers['content-type']]).toEqual([
      '{"a":"x"}\n',
      'JSONEachRow',
      'application/x-ndjson; charset=UTF-8',
    ])
    const b = await open.curl({ query: "SELECT 'x'", default_format: 'JSONCompactEachRow' }, ...header)
    expect(b.body).toBe('["x"]\n')
    expect((await open.curl({ query: "SELECT 'x'" }, ...header)).body).toBe('"x"\n')
    expect(
      (await open.curl({ query: 'SELECT 1 AS format, 2 FORMAT TSV SETTINGS max_threads = 1;' })).body,
    ).toBe('1\t2\n')
    const shown = await open.curl({ query: "SHOW TABLES LIKE 'notes' FORMAT JSONEachRow" })
    expect(shown.body).toBe('{"name":"notes"}\n')
  })

  it('binds parameters as values, whatever they hold', async () => {
    const hostile = [
      "x' OR 1=1; DROP TABLE notes; --",
      "\\' OR 1=1 --",
      'a\\tb',
      '}{',
      "'; INTO OUTFILE 'x",
      '\u2019 \u201d $$',
    ]
    for (const value of hostile) {
      // On the wire a value is escaped as in TabSeparated.
      const wire = value.replaceAll('\\', '\\\\')
      const answer = await open.curl({ query: 'SELECT {v:String} AS v FORMAT JSONEachRow', param_v: wire })
      expect(JSON.parse(answer.body)).toEqual({ v: value })
    }
    const numbers = await open.curl({
      query: 'SELECT {a:Array(UInt8)}, {n:UInt8}',
      param_a: '[1,2]',
      param_n: '7',
    })
    expect(numbers.body).toBe('[1,2]\t7\n')
    const wrong = await open.curl({ query: 'SELECT {n:UInt8}', param_n: '1 OR 1=1' })
    expect([wrong.status >= 400, wrong.headers['x-clickhouse-exception-code']]).toEqual([true, '457'])
    const name = await open.curl({ query: 'SELECT 1', 'param_x = 1, readonly': '0' })
    expect(name.status).toBe(400)
    expect((await open.curl({ query: 'SELECT count() FROM notes WHERE id = 1' })).body).toBe('1\n')
  })

  it('takes the rows of an INSERT in any format, as text or as bytes, with the defaults of the table', async () => {
    const path = join(folder.path, 'rows')
    const rows = Buffer.from([11, 0, 0, 0, 3, 0xff, 0, 0x41])
    await writeFile(path, rows)
    const binary = await open.curl(
      { query: 'INSERT INTO notes (id, text) FORMAT RowBinary' },
      '--data-binary',
      `@${path}`,
    )
    expect([binary.status, JSON.parse(binary.headers['x-clickhouse-summary'] ?? '{}').written_rows]).toEqual([
      200,
      '1',
    ])
    await writeFile(
      path,
      Buffer.concat([
        Buffer.from('INSERT INTO notes (id, text) FORMAT RowBinary\n'),
        Buffer.from([12]),
        rows.subarray(1),
      ]),
    )
    expect((await open.curl({}, '--data-binary', `@${path}`)).status).toBe(200)
    await open.curl(
      { query: 'INSERT INTO notes (id, text) FORMAT JSONEachRow' },
      '--data-binary',
      '{"id":13,"text":"j"}',
    )
    await open.curl({ query: 'INSERT INTO notes (id, text)' }, '--data-binary', "VALUES (14, 'v; -- SELECT')")
    await open.curl({ query: "INSERT INTO notes (id, text) VALUES (15, 'w')" }, '-X', 'POST')
    await writeFile(path, gzipSync('16,"g"\n'))
    await open.curl(
      { query: 'INSERT INTO notes (id, text) FORMAT CSV' },
      '-H',
      'Content-Encoding: gzip',
      '--data-binary',
      `@${path}`,
    )
    await open.curl({}, '--data-binary', "INSERT INTO notes SELECT 17, 's', 7")
    const all = await open.curl({
      query: 'SELECT id, hex(text), toUInt32(at) FROM notes WHERE id > 10 ORDER BY id FORMAT CSV',
    })
    expect(all.body.trim().split('\n')).toEqual([
      '11,"FF0041",7',
      '12,"FF0041",7',
      '13,"6A",7',
      '14,"763B202D2D2053454C454354",7',
      '15,"77",7',
      '16,"67",7',
      '17,"73",7',
    ])
    const none = await open.curl(
      { query: 'INSERT INTO notes (id, text) FORMAT JSONEachRow' },
      '--data-binary',
      '',
    )
    expect(none.status).toBe(200)
  })

  it('puts in nothing of an INSERT that fails', async () => {
    const answer = await open.curl(
      { query: 'INSERT INTO notes (id, text) FORMAT JSONEachRow' },
      '--data-binary',
      '{"id":90,"text":"a"}\n{"id":"no"}\n',
    )
    expect([answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([400, '27'])
    expect(answer.body).not.toContain(folder.path)
    expect((await open.curl({ query: 'SELECT count() FROM notes WHERE id = 90' })).body).toBe('0\n')
  })

  it('compresses when asked to', async () => {
    for (const encoding of ['gzip', 'deflate', 'br']) {
      const answer = await open.curl(
        { query: 'SELECT number FROM numbers(3)', enable_http_compression: '1' },
        '-H',
        `Accept-Encoding: ${encoding}`,
        '--compressed',
      )
      expect([answer.headers['content-encoding'], answer.body]).toEqual([encoding, '0\n1\n2\n'])
    }
    expect(
      (await open.curl({ query: 'SELECT 1' }, '--compressed')).headers['content-encoding'],
    ).toBeUndefined()
  })

  it('tells the code, the name and the version in an error, with the status that ClickHouse gives it', async () => {
    const cases: [query: string, status: number, code: string, name: string][] = [
      ['SELECT * FROM nowhere', 404, '60', 'UNKNOWN_TABLE'],
      ['SELECT nope', 404, '47', 'UNKNOWN_IDENTIFIER'],
      ['SELECT 1 +', 400, '62', 'SYNTAX_ERROR'],
      ['SELEC 1', 400, '62', 'SYNTAX_ERROR'],
      ['SELECT 1; SELECT 2', 400, '62', 'SYNTAX_ERROR'],
      ["SELECT 'open", 400, '62', 'SYNTAX_ERROR'],
      ['', 400, '62', 'SYNTAX_ERROR'],
      ['SELECT 1 FORMAT Nonsense', 404, '73', 'UNKNOWN_FORMAT'],
      ['SELECT throwIf(1)', 500, '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
    ]
    for (const [query, status, code, name] of cases) {
      const answer = await open.curl({}, '--data-binary', query)
      expect([query, answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([
        query,
        status,
        code,
      ])
      expect(answer.body).toMatch(
        new RegExp(`^Code: ${code}\\. DB::Exception: .*\\(${name}\\) \\(version 26\\.`, 's'),
      )
      expect(answer.body).not.toMatch(/OUTFILE|formatQuery/)
    }
  })

  it('refuses by name what it cannot honour', async () => {
    const cases: [parameters: Record<string, string>, status: number][] = [
      [{ session_id: 'a' }, 501],
      [{ role: 'r' }, 501],
      [{ quota_key: 'k' }, 501],
      [{ compress: '1' }, 501],
      [{ decompress: '1' }, 501],
      [{ send_progress_in_http_headers: '1' }, 501],
      [{ stacktrace: '1' }, 501],
      [{ ext_structure: 'a UInt8', ext_format: 'TSV' }, 501],
      [{ no_such_setting: '1' }, 404],
      [{ database: 'nowhere' }, 404],
      [{ database: 'a`; DROP' }, 400],
      [{ query: 'SET max_threads = 1' }, 501],
      [{ query: 'USE system' }, 501],
      [{ query: 'KILL QUERY WHERE 1' }, 501],
      [{ query: 'SYSTEM SHUTDOWN' }, 403],
      [{ query: "SELECT 1 INTO OUTFILE '/tmp/x'" }, 501],
      [{ query: "SELECT file('/etc/passwd')" }, 403],
      [{ query: "SELECT * FROM file('/etc/passwd', LineAsString)" }, 403],
      [{ query: "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)" }, 403],
      [{ query: "INSERT INTO FUNCTION file('/tmp/x', TSV) SELECT 1" }, 403],
      [{ query: "INSERT INTO notes FROM INFILE '/etc/passwd' FORMAT TSV" }, 403],
    ]
    for (const [parameters, status] of cases) {
      const answer = await open.curl({ query: 'SELECT 1', ...parameters }, '-X', 'POST')
      expect([parameters, answer.status, answer.body]).toEqual([parameters, status, answer.body])
      expect(answer.body).toMatch(/^Code: \d+\. DB::Exception: ./)
    }
    const form = await open.curl({}, '-F', 'query=SELECT 1')
    expect(form.status).toBe(501)
    expect((await open.curl({ query: 'SELECT 1' }, '-X', 'DELETE')).status).toBe(501)
  })

  it('honours settings for the one request', async () => {
    const set = await open.curl({
      query: "SELECT getSetting('max_block_size'), getSetting('max_execution_time')",
      max_block_size: '11',
      max_execution_time: '7',
    })
    expect(set.body).toBe('11\t7\n')
    expect((await open.curl({ query: "SELECT getSetting('max_block_size')" })).body).not.toBe('11\n')
    expect(
      (await open.curl({ query: "SELECT getSetting('max_execution_time')", max_execution_time: '99999' }))
        .body,
    ).toBe('300\n')
    const late = await open.curl({
      query: 'SELECT sleepEachRow(0.2) FROM numbers(50) FORMAT Null',
      max_execution_time: '1',
      max_block_size: '1',
    })
    expect([late.status, late.headers['x-clickhouse-exception-code']]).toEqual([408, '159'])
  })

  it('changes nothing for a GET', async () => {
    for (const query of [
      'DROP TABLE notes',
      'CREATE TABLE z (a Int8) ENGINE = Memory',
      'INSERT INTO notes (id) VALUES (99)',
    ]) {
      expect((await open.curl({ query })).headers['x-clickhouse-exception-code']).toBe('164')
    }
  })

  it('says in the answer that a query failed after its first rows, and cuts it off', async () => {
    const query = 'SELECT number, throwIf(number = 900000) FROM numbers(1000000) FORMAT TSV'
    const answer = await open.curl({ query }, '--max-time', '30')
    const tag = answer.headers['x-clickhouse-exception-tag'] ?? ''
    expect(answer.status).toBe(200)
    expect(answer.body).toMatch(
      new RegExp(
        `\\r\\n__exception__\\r\\n${tag}\\r\\nCode: 395\\. [^]*\\n\\d+ ${tag}\\r\\n__exception__\\r\\n$`,
      ),
    )
    const waited = await open.curl({ query, wait_end_of_query: '1' })
    expect(waited.status).toBe(413)
    const small = await open.curl({
      query: 'SELECT number, throwIf(number = 9000) FROM numbers(10000)',
      max_block_size: '100',
    })
    expect(small.status).toBe(500)
  })

  it('refuses statements and data that are too large, compressed or not', async () => {
    const path = join(folder.path, 'bomb')
    await writeFile(path, gzipSync(Buffer.alloc(50_000_000, 32)))
    const data = await open.curl(
      { query: 'INSERT INTO notes (id, text) FORMAT CSV' },
      '-H',
      'Content-Encoding: gzip',
      '--data-binary',
      `@${path}`,
    )
    expect(data.status).toBe(413)
    const statement = await open.curl({}, '-H', 'Content-Encoding: gzip', '--data-binary', `@${path}`)
    expect(statement.status).toBe(413)
    await writeFile(path, 'not gzip')
    expect((await open.curl({}, '-H', 'Content-Encoding: gzip', '--data-binary', `@${path}`)).status).toBe(
      500,
    )
    expect((await open.curl({}, '-H', 'Content-Encoding: zstd', '--data-binary', `@${path}`)).status).toBe(
      501,
    )
  })

  it('knows its users by header, by basic authorization and by URL, and nobody else', async () => {
    const who = { query: 'SELECT 1' }
    const ways: [more: string[], parameters: Record<string, string>][] = [
      [['-u', 'grafana:look'], who],
      [['-H', 'X-ClickHouse-User: grafana', '-H', 'X-ClickHouse-Key: look'], who],
      [[], { ...who, user: 'grafana', password: 'look' }],
    ]
    for (const [more, parameters] of ways) expect((await closed.curl(parameters, ...more)).body).toBe('1\n')
    const wrong: string[][] = [
      ['-u', 'grafana:'],
      ['-u', 'grafana:write'],
      ['-u', 'nobody:look'],
      ['-u', 'default:'],
      ['-H', 'X-ClickHouse-User: grafana'],
      ['-u', 'grafana:look', '-H', 'X-ClickHouse-User: grafana', '-H', 'X-ClickHouse-Key: look'],
      [],
    ]
    for (const more of wrong) {
      const answer = await closed.curl(who, ...more)
      expect([more, answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([more, 403, '516'])
    }
  })

  it('without passwords answers no web page, and no name that was made to lead here', async () => {
    expect((await open.curl({ query: 'SELECT 1' }, '-H', 'Origin: https://example.com')).status).toBe(403)
    expect((await open.curl({ query: 'SELECT 1' }, '-H', 'Host: example.com')).status).toBe(403)
    expect((await open.curl({ query: 'SELECT 1' }, '-H', 'Host: localhost:1')).status).toBe(200)
  })

  it('refuses to be reached by others without users', async () => {
    const { createClickHouseHttpServer } = await import('./server.ts')
    const server = createClickHouseHttpServer({
      engine: () => store.engine(),
      users: [],
      host: '0.0.0.0',
      port: 0,
      log: (await import('../testing.ts')).silent,
      registry: new (await import('prom-client')).Registry(),
    })
    await expect(server.start()).rejects.toThrow(/no users.*store\.users/)
  })
})

describe('a reader', () => {
  const attempts = `
    INSERT INTO notes (id) VALUES (1)
    DROP TABLE notes
    TRUNCATE TABLE notes
    ALTER TABLE notes DELETE WHERE 1
    CREATE TABLE z (a Int8) ENGINE = Memory
    CREATE TEMPORARY TABLE z (a Int8)
    OPTIMIZE TABLE notes FINAL
    RENAME TABLE notes TO z
    DELETE FROM notes WHERE 1
    SET readonly = 0
    SET ROLE engine
    USE system
    KILL QUERY WHERE 1
    SYSTEM FLUSH LOGS
    GRANT ALL ON *.* TO default
    EXECUTE AS default SELECT 1
    ATTACH TABLE z
    SELECT 1; DROP TABLE notes
    SELECT 1 SETTINGS readonly = 0
    SELECT 1 SETTINGS max_memory_usage = 0
    SELECT 1 SETTINGS max_execution_time = 1000000
    SELECT * FROM (SELECT 1 SETTINGS max_threads = 64)
    SELECT 1 FORMAT TSV SETTINGS max_threads = 64
    SELECT 1 INTO OUTFILE '/tmp/halfshake-attempt'
    SELECT 1 INTO /* x */ OUTFILE '/tmp/halfshake-attempt' TRUNCATE
    SELECT * FROM file('/etc/passwd', LineAsString)
    SELECT * FROM FILE ( '/etc/passwd', LineAsString)
    SELECT * FROM \`file\`('/etc/passwd', LineAsString)
    SELECT * FROM "file"('/etc/passwd', LineAsString)
    SELECT * FROM \u201cfile\u201d('/etc/passwd', LineAsString)
    SELECT file('/etc/passwd')
    SELECT /**/ file /**/ ('/etc/passwd')
    SELECT arrayMap(x -> file(x), ['/etc/passwd'])
    SELECT * FROM '/etc/passwd'
    SELECT * FROM "/etc/passwd"
    SELECT * FROM \`/etc/passwd\`
    SELECT * FROM url('http://127.0.0.1:1/', LineAsString)
    SELECT * FROM s3('http://127.0.0.1:1/', LineAsString)
    SELECT * FROM remote('127.0.0.1:1', system.one)
    SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')
    SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')
    SELECT * FROM sqlite('/tmp/x', 't')
    SELECT * FROM executable('id', TSV, 'a String')
    SELECT * FROM dictionary('x')
    SELECT * FROM merge('system', '.*')
    SELECT * FROM merge(REGEXP('system'), '.*')
    SELECT * FROM loop(system.processes)
    SELECT * FROM cluster('default', system.one)
    SELECT * FROM mergeTreeIndex(default, notes)
    SELECT * FROM iceberg('x')
    SELECT * FROM view(SELECT * FROM system.processes)
    SELECT * FROM system.processes
    SELECT * FROM System . processes
    SELECT * FROM system /* x */ . /* y */ processes
    SELECT * FROM \`system\`.\`processes\`
    SELECT * FROM "system".processes
    SELECT * FROM system.users
    SELECT * FROM system.settings
    SELECT * FROM system.server_settings
    SELECT * FROM system.disks
    SELECT * FROM system.parts
    SELECT * FROM system.grants
    SELECT * FROM system.named_collections
    SELECT * FROM information_schema.tables
    SELECT * FROM INFORMATION_SCHEMA.TABLES
    WITH t AS (SELECT * FROM system.processes) SELECT * FROM t
    SELECT 1 WHERE 1 IN (SELECT 1 FROM system.processes)
    SELECT 1 UNION ALL SELECT pid FROM system.processes
    SELECT * FROM {t:Identifier}
    SELECT * FROM system.{t:Identifier}
    FROM system.processes SELECT *
    DESCRIBE TABLE system.processes
    DESCRIBE TABLE file('/etc/passwd', LineAsString)
    SHOW CREATE TABLE system.processes
    SHOW PROCESSLIST
    SHOW GRANTS
    SHOW USERS
    SHOW SETTINGS LIKE '%'
    EXPLAIN SELECT * FROM system.processes
    EXPLAIN PLAN SELECT * FROM file('/etc/passwd', LineAsString)
    EXISTS TABLE system.processes
    SELECT addressToLine(1)
    1 + 1`
    .trim()
    .split('\n')
    .map((line) => line.trim())

  it.each(attempts)('is refused: %s', async (query) => {
    const parameters = { query, param_t: 'system.processes' }
    for (const method of ['GET', 'POST']) {
      const answer = await closed.curl(parameters, '-u', 'grafana:look', '-X', method)
      expect([answer.status >= 400, answer.body]).toEqual([true, answer.body])
      expect(answer.body).not.toMatch(/root:|\/bin\/|uid=/)
      expect(['164', '497', '62', '48', '60', '47'], answer.body).toContain(
        answer.headers['x-clickhouse-exception-code'],
      )
    }
    expect(await store.query('SELECT count() > 0 AS there FROM notes')).toEqual([{ there: 1 }])
  })

  it.each([
    ['max_memory_usage', '0'],
    ['max_threads', '64'],
    ['additional_result_filter', "file('/etc/passwd') != ''"],
    ['format_schema', '/etc/passwd'],
    ['async_insert', '1'],
    ['log_comment', 'x'],
    ['database', 'system'],
    ['role', 'admin'],
  ])('cannot set %s', async (name, value) => {
    const answer = await closed.curl({ query: 'SELECT 1', [name]: value }, '-u', 'grafana:look')
    expect(answer.status).toBeGreaterThanOrEqual(400)
  })

  it('is stopped by the engine too where the rules were to let something pass', async () => {
    const session = await store.engine().session('reader')
    const refused = [
      'INSERT INTO notes (id) VALUES (1)',
      'DROP TABLE notes',
      "SELECT * FROM file('/etc/passwd', LineAsString)",
      "SELECT * FROM '/etc/passwd'",
      "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
      "SELECT * FROM executable('id', TSV, 'a String')",
      'SYSTEM FLUSH LOGS',
      'SELECT * FROM system.users',
    ]
    for (const query of refused)
      await expect(session.queryAsync(query), query).rejects.toThrow(/497|ACCESS_DENIED/)
    session.close()
  })

  it('reads rows, names and types', async () => {
    const questions: [query: string, answer: RegExp][] = [
      ['SELECT text FROM notes WHERE id = 1', /^one\n$/],
      ['SELECT count() FROM default.notes', /^\d+\n$/],
      ['SHOW DATABASES', /^default\n/],
      ['SHOW TABLES', /\bnotes\n/],
      ['SHOW CREATE TABLE notes', /CREATE TABLE default\.notes/],
      ['DESCRIBE TABLE notes', /^id\tUInt32/],
      ['EXISTS TABLE notes', /^1\n$/],
      ["SELECT name FROM system.tables WHERE database = 'default' AND name = 'notes'", /^notes\n$/],
      ["SELECT type FROM system.columns WHERE table = 'notes' AND name = 'id'", /^UInt32\n$/],
      ['EXPLAIN SELECT * FROM notes', /./],
      ['SELECT * FROM numbers(2)', /^0\n1\n$/],
      [
        "WITH 1 AS x SELECT x, 'FROM system.processes', format('{}', 'a')",
        /^1\tFROM system\.processes\ta\n$/,
      ],
      ["SELECT displayName() != '', version(), revision() > 0, timezone()", /^1\t26\./],
    ]
    for (const [query, expected] of questions) {
      const answer = await closed.curl({}, '-u', 'grafana:look', '--data-binary', query)
      expect([query, answer.status]).toEqual([query, 200])
      expect(answer.body).toMatch(expected)
    }
  })
})

describe("the way of asking that Grafana's data source has over HTTP", () => {
  /** As clickhouse-go 2.50 sends it: see conn_http.go, conn_http_query.go. */
  const asGrafana = (query: string, more: Record<string, string> = {}) =>
    closed.curl(
      {
        client_protocol_version: '54460',
        database: 'default',
        default_format: 'Native',
        enable_http_compression: '1',
        max_execution_time: '65',
        ...more,
      },
      '-u',
      'grafana:look',
      '-H',
      'Accept-Encoding: gzip',
      '-H',
      'User-Agent: grafana/13.2.3 clickhouse-datasource/4.20.0 clickhouse-go/2.50.0 (lv:go/1.26; os:linux)',
      '--compressed',
      '--data-binary',
      query,
    )

  it('is answered with Native blocks of its revision', async () => {
    const answer = await asGrafana("SELECT toUInt8(7) AS a, toLowCardinality('z') AS l")
    expect(answer.status).toBe(200)
    // Block info, two columns, one row; each column with name, type, "stored plainly" and its data.
    expect(Buffer.from(answer.body, 'utf8').subarray(0, 19).toString('latin1')).toContain(
      '\u0001\u0000\u0002',
    )
    expect(answer.body).toContain('\u0001a\u0005UInt8\u0000\u0007')
    expect(answer.body).toContain('\u0001l\u0016LowCardinality(String)\u0000\u0001')
  })

  it('is answered on hello, ping, row limits and errors', async () => {
    expect((await asGrafana('SELECT displayName(), version(), revision(), timezone()')).status).toBe(200)
    expect((await asGrafana('SELECT 1')).body).toContain('UInt8')
    expect((await asGrafana('SELECT number FROM numbers(100) FORMAT TSV', { limit: '3' })).body).toBe(
      '0\n1\n2\n',
    )
    const wrong = await asGrafana('SELECT * FROM nowhere')
    expect([wrong.status, wrong.body.startsWith('Code: 60. ')]).toEqual([404, true])
  })
})

describe('@clickhouse/client over its real transport', () => {
  const connect = (compress = false) =>
    createClient({
      url: closed.url,
      username: 'halfshake',
      password: 'write',
      compression: { request: compress, response: compress },
      log: { level: 127 },
    })

  it.each([false, true])(
    'queries, streams, inserts, commands and pings, compressed: %s',
    async (compress) => {
      const client = connect(compress)
      expect(await client.ping()).toEqual({ success: true })
      expect((await client.ping({ select: true })).success).toBe(true)
      await client.command({
        query: 'CREATE OR REPLACE TABLE client_rows (id UInt64, text String) ENGINE = MergeTree ORDER BY id',
      })
      await client.insert({
        table: 'client_rows',
        values: [
          { id: '18446744073709551615', text: 'a' },
          { id: 2, text: 'ü\n\\' },
        ],
        format: 'JSONEachRow',
      })
      const rows = await client.query({
        query:
          'SELECT toString(id) AS id, text FROM client_rows WHERE text != {not:String} ORDER BY client_rows.id',
        query_params: { not: "x'" },
        format: 'JSONEachRow',
      })
      expect(await rows.json()).toEqual([
        { id: '2', text: 'ü\n\\' },
        { id: '18446744073709551615', text: 'a' },
      ])
      let streamed = 0
      const stream = await client.query({
        query: 'SELECT number FROM numbers(500000)',
        format: 'JSONEachRow',
      })
      for await (const some of stream.stream()) streamed += some.length
      expect(streamed).toBe(500_000)
      await expect(client.query({ query: 'SELECT nope' })).rejects.toMatchObject({
        code: '47',
        type: 'UNKNOWN_IDENTIFIER',
      })
      await client.close()
    },
  )

  it('hears of an error that comes after rows', async () => {
    const client = connect()
    const result = await client.query({
      query: 'SELECT number, throwIf(number = 900000) AS x FROM numbers(1000000)',
      format: 'JSONEachRow',
    })
    await expect(
      (async () => {
        for await (const _some of result.stream());
      })(),
    ).rejects.toMatchObject({ code: '395' })
    await client.close()
  })

  it('ends a query in the engine when it goes away, also while rows are being sent', async () => {
    for (const query of [
      'SELECT sum(sipHash64(number)) FROM numbers(100000000000)',
      'SELECT number FROM numbers(100000000000)',
    ]) {
      const gone = new AbortController()
      const answer = fetch(`${closed.url}/`, {
        method: 'POST',
        body: query,
        headers: { 'X-ClickHouse-User': 'halfshake', 'X-ClickHouse-Key': 'write' },
        signal: gone.signal,
      })
      answer.catch(() => undefined)
      const running = () =>
        store.query<{ n: number }>(
          "SELECT count() AS n FROM system.processes WHERE query LIKE '%numbers(100000000000)%' AND query NOT LIKE '%processes%'",
        )
      await until(async () => (await running())[0]?.n === 1)
      gone.abort()
      await until(async () => (await running())[0]?.n === 0)
    }
  })
})

describe('many at once', () => {
  it('are answered in turn, and refused when the line is full', async () => {
    const narrow = await interfaceOf(store, { limits: { concurrent: 2, waiting: 3, waitMs: 20_000 } })
    const slow = () => narrow.curl({ query: 'SELECT sleep(1)' })
    const answers = await Promise.all(Array.from({ length: 8 }, slow))
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([200, 200, 200, 200, 200, 503, 503, 503])
    expect(await narrow.registry.metrics()).toMatch(
      /halfshake_store_http_errors_total\{reason="too_many_simultaneous_queries"\} 3/,
    )
    await narrow.stop()
  })

  it('keep their settings and parameters apart', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        open.curl({
          query: "SELECT {v:UInt32}, getSetting('max_block_size')",
          param_v: String(i),
          max_block_size: String(1_000 + i),
        }),
      ),
    )
    expect(answers.map(({ body }) => body)).toEqual(answers.map((_, i) => `${i}\t${1_000 + i}\n`))
  })

  it('leave the loop free, whatever a query computes before its first row', async () => {
    const slow = open.curl({ query: 'SELECT (SELECT sleep(2))' })
    let beats = 0
    const beat = setInterval(() => {
      beats += 1
    }, 20)
    await slow
    clearInterval(beat)
    expect(beats).toBeGreaterThan(20)
  })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
}
