#!/usr/bin/env node
// What `npx usher-auth` runs: `usher`, which serves when it is given no command. Plain JavaScript, as usher.js is.
const first = process.argv[2];
const isAboutUsher = ['-h', '--help', '-V', '--version'].indexOf(first) !== -1;
if (first === undefined || (first.startsWith('-') && !isAboutUsher)) process.argv.splice(2, 0, 'serve');

void import('./usher.js');
