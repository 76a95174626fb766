// The entry of the library. It imports nothing new by name: see node-version.js.
import module from 'module';
import { nodeTooOld } from './node-version.js';

const tooOld = nodeTooOld();
if (tooOld) throw new Error(tooOld);

// Not an import, which would be resolved before the line above runs; nor `await import()`, with which CommonJS could not
// `require('usher-auth')`. The module is the same one either way.
const app = module.createRequire(import.meta.url)('./dist/app.js');

export const ConfigError = app.ConfigError;
export const createUsher = app.createUsher;
export const makeSetUpLink = app.makeSetUpLink;
