'use strict';
// The address of the core: what the gateway takes as its PUBLIC_URL, Functions and the numbers take as CORE_URL.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { coreOf, Fault } = require('../assets/door.private.js');

const CORE = 'https://core.example.com';

/** Why it is refused, or ''. */
function fault(written) {
  try {
    coreOf(written);
    return '';
  } catch (error) {
    assert.ok(error instanceof Fault, error.stack);
    return error.message;
  }
}

test('the core is at a host, with a port and a path or without', () => {
  const plain = [CORE, `${CORE}:8443`, `${CORE}:1`, `${CORE}:65535`, `${CORE}/prod`, `${CORE}/a-b/c.d_~e`, `${CORE}:8443/x`];
  for (const url of [...plain, 'https://CORE-1.example_x.com', 'https://[2606:4700::1F]:8443']) {
    for (const written of [url, `${url}/`, ` ${url}//\n`]) assert.equal(coreOf(written), url, written);
  }
});

test('http is for this machine', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'localhost:8080', '127.0.0.1:8080/x'])
    assert.equal(coreOf(`http://${host}`), `http://${host}`);
  for (const host of ['core.example.com', 'localhost.example', '127.0.0.1.example', '10.0.0.1', 'localhost:8080:1'])
    assert.equal(fault(`http://${host}`), 'CORE_URL is not the https:// address of the core', host);
});

for (const [what, urls] of Object.entries({
  'two schemes': ['https://https://core.example.com', `${CORE}/https://other.example.com`, `${CORE}://x?y#z`],
  'another scheme or none': ['wss://core.example.com', 'core.example.com', '//core.example.com', 'https:core.example.com'],
  'no host': ['https://', 'https:///x', 'https://:8443', 'https://?x'],
  'a port that is none': [`${CORE}:0`, `${CORE}:65536`, `${CORE}:99999`, `${CORE}:123456`, `${CORE}:`, `${CORE}:a`, `${CORE}:1:2`],
  'a user': ['https://u:p@core.example.com', 'https://u@core.example.com', `${CORE}/@x`],
  'a query or a fragment': [`${CORE}?x=1`, `${CORE}/?`, `${CORE}#x`, `${CORE}/x#`],
  'characters of no address': ['https://a"b.example.com', `${CORE}/a b`, `${CORE}/"`, `${CORE}\\x`, `${CORE}/%2e`, `${CORE}\n${CORE}`],
  'a host that is none': ['https://cöre.example.com', 'https://[::1', 'https://[1.2.3]', 'https://256.1.1.1', 'https://[::1]x'],
})) {
  test(`${what}: that is no address of a core`, () => {
    for (const url of urls) assert.equal(fault(url), 'CORE_URL is not the https:// address of the core', url);
  });
}

test('no address at all is said to be none', () => {
  for (const written of ['', ' \n', '/'])
    assert.equal(fault(written), 'CORE_URL is not set: it takes the https:// address of the core');
});
