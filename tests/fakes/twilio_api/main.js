'use strict';
// The fake as a process: `node main.js < settings.json`. Prints {"port"} and lives as long as its standard input.
// Settings: sid, token, folder, port, tls: {key, cert} (PEM).
const { account, listen } = require('./server');

async function main() {
  const [line, rest] = await firstLine(process.stdin);
  const { port, tls, ...who } = JSON.parse(line);
  const server = await listen(account(who), { port, tls });
  process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
  for await (const _ of rest); // until our parent is gone
  await server.close();
}

async function firstLine(stream) {
  const chunks = stream[Symbol.asyncIterator]();
  let text = '';
  while (!text.includes('\n')) {
    const { value, done } = await chunks.next();
    if (done) break;
    text += value;
  }
  return [text.split('\n')[0], { [Symbol.asyncIterator]: () => chunks }];
}

main();
