'use strict';
// Before a deploy: the artefact must be what the flows say now. GATEWAY names the gateway command, if it is neither in
// the checkout's .venv nor on the PATH.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const CHECKOUT = path.join(__dirname, '..', '..');
const IN_VENV = path.join(CHECKOUT, '.venv', process.platform === 'win32' ? 'Scripts/gateway.exe' : 'bin/gateway');

const gateway = process.env.GATEWAY || (fs.existsSync(IN_VENV) ? IN_VENV : 'gateway');
const { error, status } = spawnSync(gateway, ['compile', '--check'], { cwd: CHECKOUT, stdio: 'inherit' });
if (error) console.error(`gateway can't be run (${error.code}): install it, or name it in GATEWAY`);
process.exitCode = status ?? 1;
