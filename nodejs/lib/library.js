'use strict';

// Finds the library and loads it, once, when the first agent is started.

const fs = require('node:fs');
const path = require('node:path');

const abi = require('./abi');
const { DatadogAgentException, DatadogError } = require('./errors');
const { thisMachine } = require('./platform');

/** Names the library, or the folder that it is in. Nothing else is tried then. */
const PATH_VARIABLE = 'DATADOG_AGENT_NATIVE_LIBRARY_PATH';

let loaded = null;

/** The functions of the library; throws with every path that was tried, and what the loader said. */
function functions() {
  loaded ??= load();
  return loaded;
}

/** Where the library may be, best first. */
function candidates(machine) {
  const named = process.env[PATH_VARIABLE];
  if (named) {
    const file = path.resolve(named);
    return [isFolder(file) ? path.join(file, machine.library) : file];
  }
  const here = path.dirname(__dirname);
  return [
    ...ofPackage(machine),
    path.join(here, 'bin', machine.folder),
    path.join(here, 'bin', machine.system),
    path.join(here, 'bin'),
    here,
    path.dirname(here),
  ].map((folder) => path.join(folder, machine.library));
}

/** The folder of the package that has the library for this machine, if it is installed. */
function ofPackage(machine) {
  try {
    return [path.dirname(require.resolve(`${machine.package}/package.json`))];
  } catch {
    return [];
  }
}

function isFolder(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function load() {
  const machine = thisMachine();
  const tried = [];
  for (const file of candidates(machine)) {
    if (!fs.existsSync(file)) {
      tried.push(`${file}: no such file`);
      continue;
    }
    try {
      return abi.open(file);
    } catch (error) {
      tried.push(`${file}: ${error.message}`);
    }
  }
  if (!process.env[PATH_VARIABLE]) {
    try {
      return abi.open(machine.library);
    } catch (error) {
      tried.push(`${machine.library} by the system's loader: ${error.message}`);
    }
    tried.push(`the package ${machine.package}: installed by npm unless optional dependencies are left out`);
  }
  throw new DatadogAgentException(
    `the library of datadog-agent-native for ${machine.folder} cannot be loaded; ` +
      `${PATH_VARIABLE} can name it. Tried:${tried.map((line) => `\n  ${line}`).join('')}`,
    DatadogError.INIT_ERROR,
  );
}

module.exports = { functions };
