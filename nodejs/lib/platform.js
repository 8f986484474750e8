'use strict';

// What the library is called on this machine, and the folders and packages that it may be in.

const SYSTEMS = { win32: 'windows' };
const ARCHITECTURES = { x64: 'x86_64' };
const LIBRARIES = { darwin: 'libdatadog_agent_native.dylib', windows: 'datadog_agent_native.dll' };

/** Whether the C library of this Node.js is musl. */
function isMusl() {
  if (process.platform !== 'linux' || !process.report) {
    return false;
  }
  const before = process.report.excludeNetwork;
  process.report.excludeNetwork = true;
  try {
    return process.report.getReport().header.glibcVersionRuntime === undefined;
  } finally {
    process.report.excludeNetwork = before;
  }
}

/** Names of this machine: `system`, `folder` (`<system>-<arch>`), `library` (the file), `package` (on npm). */
function thisMachine() {
  const suffix = isMusl() ? '-musl' : '';
  const system = SYSTEMS[process.platform] ?? process.platform;
  return {
    system,
    folder: `${system}-${ARCHITECTURES[process.arch] ?? process.arch}${suffix}`,
    library: LIBRARIES[system] ?? 'libdatadog_agent_native.so',
    package: `datadog-agent-native-${process.platform}-${process.arch}${suffix}`,
  };
}

module.exports = { thisMachine };
