'use strict';
// A hosts file for one process of Node's: with NODE_OPTIONS=--require=this, the edge's name is this machine.
const dns = require('node:dns');

const lookUp = dns.lookup;
dns.lookup = (name, ...rest) => lookUp(name === 'core.example.com' ? '127.0.0.1' : name, ...rest);
