'use strict';

// Requests and their verdicts. What needs libddwaf runs where APPSEC_LIBDDWAF names it, with its rules beside it.

const assert = require('node:assert/strict');
const test = require('node:test');

const { AppSecAction, DatadogAgentException, DatadogError, LogLevel, NativeAgent } = require('datadog-agent-native');
const { Script } = require('./support');

const LIBRARY = process.env.APPSEC_LIBDDWAF;
const needsLibrary = { skip: LIBRARY ? false : 'APPSEC_LIBDDWAF does not name a libddwaf' };

const ATTACK = {
  'http.route': '/cart',
  'server.request.method': 'GET',
  'server.request.uri.raw': '/cart?q=hello',
  'server.request.headers.no_cookies': { 'user-agent': 'dd-test-scanner-log-block', accept: ['text/html', '*/*'] },
  'network.client.ip': '8.8.8.8',
  'usr.id': undefined,
};

/** Starts an agent that is stopped after the test. */
function start(t, options = {}) {
  const quiet = { apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: LogLevel.WARN };
  const agent = new NativeAgent({ ...quiet, ...options });
  t.after(() => agent.stop());
  return agent;
}

/** The same with the real firewall, whose verdicts are obeyed. */
function guarded(t, options = {}) {
  // A slow machine must not run out of time.
  const settings = { DD_APPSEC_LIBDDWAF_PATH: LIBRARY, DD_APPSEC_WAF_TIMEOUT: '10s' };
  return start(t, { appsecEnabled: true, appsecBlocking: true, settings, ...options });
}

function opened(t, agent, options) {
  const request = agent.appsecRequest(options);
  t.after(() => request.close());
  return request;
}

function refused(error, text) {
  return (thrown) => {
    assert.ok(thrown instanceof DatadogAgentException, `${thrown}`);
    assert.match(thrown.message, text);
    assert.equal(thrown.error, error);
    return true;
  };
}

function rules(tags) {
  return JSON.parse(tags.meta['_dd.appsec.json']).triggers.map((trigger) => trigger.rule.id);
}

test('without a firewall it is said why', (t) => {
  const off = start(t, { settings: { DD_APPSEC_ENABLED: 'false' } });
  const text = /^AppSec is off: DD_APPSEC_ENABLED turns it on$/;
  assert.throws(() => off.appsecRequest(), refused(DatadogError.NOT_AVAILABLE, text));
  const settings = { DD_APPSEC_LIBDDWAF_PATH: '/nowhere/libddwaf.so' };
  const failed = start(t, { appsecEnabled: true, settings });
  const missing = /^AppSec cannot run: libddwaf was not found \(tried: \/nowhere\/libddwaf\.so/;
  assert.throws(() => failed.appsecRequest(), refused(DatadogError.NOT_AVAILABLE, missing));
});

test('an agent that was stopped opens no request', (t) => {
  const agent = start(t);
  agent.stop();
  assert.throws(() => agent.appsecRequest(), refused(DatadogError.NULL_POINTER, /^the agent was stopped$/));
});

test('an attack is answered with a page', needsLibrary, (t) => {
  const request = opened(t, guarded(t));
  request.add(ATTACK);
  const verdict = request.verdict();
  assert.ok(!verdict.isAllowed);
  assert.deepEqual([verdict.action, verdict.status, verdict.grpcStatus], [AppSecAction.BLOCK, 403, 10]);
  assert.deepEqual([verdict.contentType, verdict.location], ['text/html', null]);
  assert.match(verdict.securityResponseId, /^[0-9a-f-]{36}$/);
  assert.ok(verdict.body.includes(verdict.securityResponseId));
  // The page itself goes on.
  request.add({ 'server.response.status': 403 });
  assert.deepEqual(request.verdict(), {
    action: AppSecAction.ALLOW,
    isAllowed: true,
    status: null,
    grpcStatus: null,
    contentType: null,
    body: null,
    location: null,
    securityResponseId: null,
  });
  const tags = request.tags();
  assert.equal(tags.meta['appsec.blocked'], 'true');
  assert.equal(tags.meta['http.status_code'], '403');
  assert.equal(tags.meta['http.client_ip'], '8.8.8.8');
  assert.deepEqual(rules(tags), ['ua0-600-56x']);
  assert.equal(tags.metrics['_dd.appsec.enabled'], 1);
  assert.equal(tags.priority, 2);
});

test('whoever watches is told of an attack and lets it go on', needsLibrary, (t) => {
  const request = opened(t, guarded(t), { obeyed: false });
  request.add(ATTACK);
  assert.ok(request.verdict().isAllowed);
  const { meta } = request.tags();
  assert.equal(meta['appsec.event'], 'true');
  assert.equal(meta['appsec.blocked'], undefined);
  const watcher = guarded(t, { appsecBlocking: false });
  const text = /without appsec_blocking/;
  assert.throws(() => watcher.appsecRequest({ obeyed: true }), refused(DatadogError.CONFIG_ERROR, text));
});

test('bodies and answers are looked at', needsLibrary, (t) => {
  const request = opened(t, guarded(t));
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  request.add({ 'server.request.uri.raw': '/.git/config', 'server.request.headers.no_cookies': headers });
  request.addBody('a=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E');
  request.verdict();
  request.add({ 'server.response.status': 404 });
  request.addResponseBody(new Uint8Array([0x22, 0xff, 0x22]), 'application/json');
  request.verdict();
  const tags = request.tags({ meta: { 'http.url': '/known', language: 'javascript' }, priority: 1 });
  assert.ok(rules(tags).some((rule) => rule.startsWith('crs-941-')));
  assert.ok(rules(tags).includes('nfd-000-006'));
  assert.equal(tags.meta['http.url'], undefined);
  assert.equal(tags.meta['_dd.runtime_family'], 'nodejs');
});

test('what is no address is refused by its name', needsLibrary, (t) => {
  const request = opened(t, guarded(t));
  const text = /^there is no address "server\.requset\.body"$/;
  const wrong = DatadogError.INVALID_DATA_FORMAT;
  assert.throws(() => request.add({ 'server.requset.body': 1 }), refused(wrong, text));
  assert.throws(() => request.add({ 'usr.id': 'x'.repeat(9 << 20) }), refused(wrong, /more than 8388608/));
  assert.throws(() => request.addBody({}), TypeError);
  assert.ok(request.verdict().isAllowed);
});

test('a request that ended or was closed takes nothing more', needsLibrary, (t) => {
  const request = guarded(t).appsecRequest();
  request.tags();
  assert.throws(() => request.verdict(), refused(DatadogError.NOT_AVAILABLE, /has ended/));
  request.close();
  request.close();
  assert.throws(() => request.verdict(), refused(DatadogError.NULL_POINTER, /^the request was closed$/));
});

test('a request outlives its agent', needsLibrary, (t) => {
  const agent = guarded(t);
  const request = opened(t, agent);
  agent.stop();
  request.add(ATTACK);
  assert.equal(request.verdict().action, AppSecAction.BLOCK);
});

test('requests that nobody closed are freed', needsLibrary, async (t) => {
  const text = `
    const { NativeAgent } = require('./index.js');
    const agent = new NativeAgent({
      apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: 2, appsecEnabled: true,
      settings: { DD_APPSEC_LIBDDWAF_PATH: process.env.APPSEC_LIBDDWAF },
    });
    (async () => {
      // More than may be open at once.
      for (let round = 0; round < 17; round += 1) {
        for (let count = 0; count < 1000; count += 1) agent.appsecRequest();
        gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      agent.appsecRequest().close();
      console.log(agent.stop());
    })();`;
  const { status, lines, errors } = await new Script(t, ['--expose-gc', '-e', text]).end();
  assert.deepEqual([status, lines, errors], [0, ['true'], '']);
});
