'use strict';
// For everybody: whether calls can be answered here, by which release and by which flows.
const { artefact, settings, reply, Fault } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = function handler(context, event, callback) {
  const version = require(Runtime.getAssets()['/release.js'].path);
  const said = { ok: false, version, runtime: `node ${process.versions.node}` };
  try {
    const { format, hash, flows } = artefact();
    Object.assign(said, { format, hash, flows: Object.keys(flows).length });
    settings(context);
    said.ok = true;
  } catch (error) {
    said.why = error instanceof Fault ? error.message : 'assets/flows.private.json is broken: run gateway compile';
  }
  callback(null, reply(said.ok ? 200 : 503, 'application/json', said));
};
