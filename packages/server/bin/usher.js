#!/usr/bin/env node
// This file has to parse on any Node.js that knows ES modules, so that an old one gets a sentence instead of a
// SyntaxError from somewhere inside. Hence plain JavaScript that Node 12 knows: no `node:` before a module's name, and
// no import by name of something new.
import fs from 'fs';
import module from 'module';
import os from 'os';
import path from 'path';
import { nodeTooOld } from '../node-version.js';

const main = new URL('../dist/main.js', import.meta.url);

const tooOld = nodeTooOld();
if (tooOld) {
  refuse(tooOld, 1);
} else if (!fs.existsSync(main)) {
  refuse('Usher isn’t built yet. Run `npm run build` first.', 2);
} else {
  useCompileCache();
  hideSqliteWarning();
  void import(main.href);
}

function refuse(sentence, code) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = code;
}

/**
 * Compiled code is kept between starts, in a folder that only this user can write. Node's own choice is one folder
 * in the shared temporary directory for everybody: whoever makes it first could put code there for us to run.
 */
function useCompileCache() {
  try {
    const user = os.userInfo().uid;
    const folder = path.join(os.tmpdir(), `usher-compile-cache-${user}`);
    makeFolder(folder);
    const found = fs.lstatSync(folder);
    const ours = user === -1 || (found.uid === user && (found.mode & 0o022) === 0);
    if (found.isDirectory() && ours) module.enableCompileCache(folder);
  } catch (_) {
    // Only speed is lost, for instance on a read-only file system.
  }
}

/** Not `recursive`, which never returns where the parent can have no folders (Node.js 24 below /proc). */
function makeFolder(folder) {
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (_) {
    // It is there already, or is missed next.
  }
}

/** Early releases of Node 24 call node:sqlite experimental on every start. Every other warning goes through. */
function hideSqliteWarning() {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...more) => {
    if (more[0] === 'ExperimentalWarning' && /^SQLite /.test(String(warning))) return;
    emitWarning.call(process, warning, ...more);
  };
}
