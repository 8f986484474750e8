// A shop of one page that npm's `dd-trace` instruments: `http` of Node.js, and mysql2 with the server that comes with
// it, in this process.
//
// Prints its address as a line of JSON, serves until its standard input ends, then waits until the tracer has sent what
// it has and prints the spans that it made as another.
'use strict'

const tracer = require('dd-trace').init()

const { channel } = require('dc-polyfill')
const http = require('node:http')
const mysql = require('mysql2')

// How often the tracer sends stats of its own accord; nothing public makes it send them earlier.
const STATS_MS = 10_000

const finished = []
// Keeps every span that is finished.
channel('dd-trace:span:finish').subscribe(span => finished.push(span))

function record (span) {
  const context = span.context()
  const tags = { ...(context.getTags?.() ?? context._tags) }
  const take = key => {
    const value = tags[key]
    delete tags[key]
    return value
  }
  const [service, resource, type] = ['service.name', 'resource.name', 'span.type'].map(take)
  const [error] = ['error'].map(take)
  const meta = {}
  const metrics = {}
  for (const [key, value] of Object.entries(tags)) {
    if (typeof value === 'string') meta[key] = value
    if (typeof value === 'number' && key !== 'http.status_code') metrics[key] = value
  }
  // Kept with the trace until it is sent, as part of its root.
  for (const rate of ['_dd.agent_psr', '_dd.rule_psr']) {
    const used = context._trace?.[rate]
    if (used !== undefined && !context._parentId) metrics[rate] = used
  }
  return {
    trace_id: context.toTraceId(true).padStart(32, '0'),
    span_id: context.toSpanId(),
    parent_id: context._parentId?.toString(10) ?? '0',
    service,
    name: context._name,
    resource: resource ?? context._name,
    type: type ?? '',
    error: error ? 1 : 0,
    priority: context._sampling.priority,
    meta,
    metrics
  }
}

// Answers every query with one row.
const database = mysql.createServer()
database.on('connection', connection => {
  connection.serverHandshake({
    protocolVersion: 10,
    serverVersion: '8.0.0',
    connectionId: 1,
    statusFlags: 2,
    characterSet: 45,
    capabilityFlags: 0xffffff,
    // Packets are counted anew after the handshake and after each answer, which this server leaves to us.
    authCallback: (_, done) => {
      done(null)
      connection.sequenceId = 0
    }
  })
  connection.on('error', () => {})
  connection.on('query', () => {
    const column = { catalog: 'def', schema: '', table: '', orgTable: '', name: 'item', orgName: 'item', characterSet: 45, columnLength: 255, columnType: 253, flags: 0, decimals: 0 }
    connection.writeTextResult([{ item: 'tea' }], [column])
    connection.sequenceId = 0
  })
})

function order (client, number) {
  return new Promise((resolve, reject) => {
    client.query(`SELECT ${Number(number)}, 'tea'`, (error, rows) => error ? reject(error) : resolve(rows))
  })
}

function byHand () {
  return tracer.trace('shop.by_hand', { resource: 'Größe 🚀', type: 'worker' }, span => {
    span.setTag('city', 'Köln')
    span.setTag('weight', 12.5)
    const other = tracer.extract('http_headers', {
      'x-datadog-trace-id': '18364758544493064720',
      'x-datadog-parent-id': '1234605616436508552',
      'x-datadog-tags': '_dd.p.tid=0123456789abcdef'
    })
    span.addLink({ context: other, attributes: { reason: 'retry' } })
    span.addEvent('cache.miss', { key: 'a', tries: 3, share: 0.5, cold: true, tiers: ['l1', 'l2'] }, 1700000000000)
    span.setTag('error', new Error('no tea left'))
    return {}
  })
}

database.listen(0, '127.0.0.1', () => {
  const client = mysql.createConnection({ host: '127.0.0.1', port: database._server.address().port, user: 'shop' })
  const server = http.createServer(async (request, response) => {
    try {
      const body = request.url === '/by-hand' ? byHand() : await order(client, request.url.split('/').pop())
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(body))
    } catch (error) {
      response.statusCode = 500
      response.end(String(error))
    }
  })
  server.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ app: `http://127.0.0.1:${server.address().port}` }))
  })
  process.stdin.resume().on('end', () => {
    server.close()
    const computesStats = process.env.DD_TRACE_STATS_COMPUTATION_ENABLED === 'true'
    setTimeout(() => {
      // The connection and the server would keep the process; the tracer sends what it has when nothing does.
      client.destroy()
      database.close()
      console.log(JSON.stringify(finished.map(record)))
    }, computesStats ? STATS_MS + 1_000 : 0)
  })
})
