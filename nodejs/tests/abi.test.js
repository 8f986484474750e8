'use strict';

// The structures are those of the header.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const koffi = require('koffi');

const { AppSecAction, DatadogAgentConfig, DatadogError } = require('datadog-agent-native');
const { OPTIONS, START_RESULT, VERDICT } = require('../lib/abi');
const { OBEYED } = require('../lib/appsec');
const { optionsOf } = require('../lib/options');
const { REPOSITORY } = require('./support');

const HEADER = fs.readFileSync(
  path.join(REPOSITORY, 'crates/datadog-agent-native/include/datadog_agent_native.h'),
  'utf8',
);

/** Names of a structure's members, in their order in the header. */
function members(name) {
  const body = new RegExp(`typedef struct ${name} {([^}]*)} ${name};`).exec(HEADER)[1];
  const code = body.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, '');
  return [...code.matchAll(/(\w+);/g)].map((match) => match[1]);
}

/** Those of an enumeration of the header, by their names. */
function numbers(name, prefix) {
  const body = new RegExp(`typedef enum ${name} {([^}]*)} ${name};`).exec(HEADER)[1];
  const members = body.matchAll(new RegExp(`^\\s*${prefix}(\\w+) = (\\d+),`, 'gm'));
  return [...members].map(([, member, number]) => [member, Number(number)]);
}

function offsets(structure) {
  return Object.values(koffi.type(structure).members).map((member) => member.offset);
}

test('members have the order of the header', () => {
  assert.deepEqual(Object.keys(koffi.type(OPTIONS).members), members('DatadogAgentOptionsV2'));
  assert.deepEqual(Object.keys(koffi.type(START_RESULT).members), members('DatadogAgentStartResult'));
  assert.deepEqual(Object.keys(koffi.type(VERDICT).members), members('DatadogAppSecVerdict'));
});

test('sizes and offsets are those that were promised', { skip: koffi.sizeof('void *') !== 8 }, () => {
  assert.equal(koffi.sizeof(OPTIONS), 152);
  // The size and the flags, the fields of the first options eight bytes further on, and what came later.
  const first = [0, 8, 16, 24, 32, 40, 44, 48, 52, 56, 60, 64, 68].map((offset) => offset + 8);
  assert.deepEqual(offsets(OPTIONS), [0, 4, ...first, 80, 88, 96, 104, 108, 112, 120, 128, 136, 144]);
  assert.equal(koffi.sizeof(START_RESULT), 40);
  assert.deepEqual(offsets(START_RESULT), [0, 8, 16, 24, 28, 32]);
  assert.equal(koffi.sizeof(VERDICT), 56);
  assert.deepEqual(offsets(VERDICT), [0, 4, 8, 16, 24, 32, 40, 48]);
});

test('errors have the numbers of the header', () => {
  assert.deepEqual(Object.entries(DatadogError), numbers('DatadogError', 'DATADOG_'));
});

test('actions have the numbers of the header', () => {
  assert.deepEqual(Object.entries(AppSecAction), numbers('DatadogAppSecAction', 'DATADOG_APPSEC_'));
  assert.match(HEADER, new RegExp(`^#define DATADOG_APPSEC_OBEYED ${OBEYED}$`, 'm'));
});

test('ports are translated', () => {
  const options = (traceAgentPort, dogstatsdPort) => {
    const { trace_agent_port: trace, dogstatsd_port: statsd } = optionsOf(
      new DatadogAgentConfig({ traceAgentPort, dogstatsdPort }),
    );
    return [trace, statsd];
  };
  assert.deepEqual(options(null, null), [0, -1]);
  assert.deepEqual(options(0, 0), [-1, 0]);
  assert.deepEqual(options(1, 65_535), [1, 65_535]);
});

test('a configuration without anything is what it was documented to be', () => {
  assert.deepEqual(optionsOf(new DatadogAgentConfig()), {
    api_key: null,
    site: null,
    service: null,
    env: null,
    version: null,
    appsec_enabled: 0,
    remote_config_enabled: 1,
    log_level: 3,
    operational_mode: 1,
    trace_agent_port: -1,
    dogstatsd_enabled: 0,
    dogstatsd_port: 0,
    trace_agent_uds_permissions: -1,
    uds_path: null,
    tags: null,
    flush_strategy: null,
    shutdown_timeout_ms: 0,
    install_signal_handlers: -1,
    log_callback: null,
    log_userdata: null,
    extra_env: null,
    extra_env_len: 0,
    appsec_blocking: 0,
  });
});
