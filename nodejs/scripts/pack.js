'use strict';

// Packs what is published: this package, and one for each platform that has the library alone.
//
//     node scripts/pack.js FOLDER linux-x64=LIBRARY [linux-arm64=LIBRARY …]
//
// The platforms are `<process.platform>-<process.arch>`, followed by `-musl` where that is the C library. This package
// gets them as optional dependencies, of which npm installs the one that fits.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const PACKAGE = path.dirname(__dirname);
const LIBRARIES = { darwin: 'libdatadog_agent_native.dylib', win32: 'datadog_agent_native.dll' };

function main([target, ...platforms]) {
  if (!target || platforms.length === 0) {
    throw new Error('usage: node scripts/pack.js FOLDER PLATFORM=LIBRARY…');
  }
  fs.mkdirSync(target, { recursive: true });
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'agent-pack-'));
  try {
    const manifest = JSON.parse(fs.readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
    const names = platforms.map((each) => packPlatform(stage, target, manifest, each));
    packMain(stage, target, manifest, names);
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

/** Packs the library of a platform; returns the package's name. */
function packPlatform(stage, target, manifest, assignment) {
  const [platform, library] = assignment.split('=');
  const [system, cpu, libc] = platform.split('-');
  const name = `${manifest.name}-${platform}`;
  const folder = path.join(stage, name);
  const file = LIBRARIES[system] ?? 'libdatadog_agent_native.so';
  fs.mkdirSync(folder);
  fs.copyFileSync(library, path.join(folder, file));
  copy(['LICENSE', 'NOTICE'], folder);
  write(folder, {
    name,
    version: manifest.version,
    description: `The library of ${manifest.name} for ${platform}`,
    license: manifest.license,
    os: [system],
    cpu: [cpu],
    ...(system === 'linux' && { libc: [libc ?? 'glibc'] }),
    files: [file, 'LICENSE', 'NOTICE'],
  });
  pack(folder, target);
  return name;
}

function packMain(stage, target, manifest, names) {
  const folder = path.join(stage, manifest.name);
  fs.mkdirSync(folder);
  copy([...manifest.files, 'README.md'], folder);
  const { devDependencies, scripts, ...published } = manifest;
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, manifest.version]));
  write(folder, { ...published, optionalDependencies });
  pack(folder, target);
}

function copy(names, folder) {
  for (const name of names) {
    fs.cpSync(path.join(PACKAGE, name), path.join(folder, name), { recursive: true });
  }
}

function write(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function pack(folder, target) {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', path.resolve(target)], { cwd: folder });
}

main(process.argv.slice(2));
