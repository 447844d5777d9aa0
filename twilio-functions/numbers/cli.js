'use strict';
// npm run numbers -- plan | apply | status: the account's numbers, as the compiled flows say.
// Exit codes: 0 well, 1 something is left to do by hand or was refused, 2 used wrongly, 3 a bug.
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const twilio = require('twilio');
const plans = require('../assets/numbers-plan.private.js');
const account = require('../assets/numbers-account.private.js');
const { coreOf, Fault } = require('../assets/door.private.js');
const print = require('./print.js');

const OK = 0;
const LEFT = 1;
const USAGE = 2;
const BUG = 3;
const FINE = new Set(['noop', 'orphan', 'geo']); // the lines themselves are as they should be
const HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i;
const HOME = path.join(__dirname, '..');
const HELP = `npm run numbers -- plan|apply|status [options]

  plan               what would change (nothing does)
  apply --yes        do it; what costs money only with --buy
  status             whether each line's number is as the flows say (exit code 1 if not)

  --buy              buy a number for each line that searches for one
  --take-over        also repoint numbers that another system, or another deployment of ours, answers today
  --json             one JSON object
  --domain HOST      where the Functions answer (that of FUNCTIONS_URL; else looked up at Twilio)
  --core URL         where the core answers (CORE_URL, else PUBLIC_URL)
  --flows FILE       the compiled flows (default: assets/flows.private.json)

Credentials: TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or with TWILIO_API_KEY and TWILIO_API_SECRET.
`;
const OPTIONS = Object.fromEntries([
  ...['yes', 'buy', 'take-over', 'json', 'help'].map((name) => [name, { type: 'boolean', default: false }]),
  ...['domain', 'core', 'flows'].map((name) => [name, { type: 'string' }]),
]);
const COMMANDS = { plan: planned, apply: applied, status: stated };

/** Used wrongly: its words say what to do. */
class Usage extends Error {}

/** Runs the command and gives its exit code. `out`, `err`: take text; `connect(env)`: a client of the account. */
async function main(argv, { env, out, err, connect = clientOf }) {
  try {
    return await commanded(argv, env, out, connect);
  } catch (error) {
    return failed(error, err);
  }
}

async function commanded(argv, env, out, connect) {
  const { action, options } = read(argv);
  if (options.help) return said(out, HELP, OK);
  const client = connect(env);
  const artefact = compiled(options.flows ?? path.join(HOME, 'assets', 'flows.private.json'));
  const core = coreOf(named(options, env));
  const domain = (await domainOf(options, env, client)).toLowerCase();
  return COMMANDS[action](client, plans.desired(artefact, { domain, core }), options, out);
}

function read(argv) {
  let parsed;
  try {
    parsed = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Usage(`${error.message}\n\n${HELP}`);
  }
  const { positionals, values: options } = parsed;
  if (!options.help && (positionals.length !== 1 || !(positionals[0] in COMMANDS))) throw new Usage(HELP);
  return { action: positionals[0], options };
}

async function planned(client, want, { json }, out) {
  const plan = plans.plan(want, await account.observe(client, plans, want));
  return said(out, json ? asJson(plan) : print.planText(plan), plan.faults ? LEFT : OK);
}

async function stated(client, want, { json }, out) {
  const plan = plans.plan(want, await account.observe(client, plans, want));
  const well = plan.changes.every((change) => FINE.has(change.kind));
  return said(out, json ? asJson(plan) : print.statusText(plan), well ? OK : LEFT);
}

async function applied(client, want, options, out) {
  if (!options.yes) {
    await planned(client, want, options, out);
    throw new Usage('nothing was changed: apply needs --yes');
  }
  const allowed = { buy: options.buy, takeOver: options['take-over'] };
  const result = await account.apply(client, plans, want, { allowed });
  const well = !result.left.length && !result.plan.faults;
  return said(out, options.json ? asJson(result) : print.resultText(result), well ? OK : LEFT);
}

/** A client of the account that the environment names, by an API key where there is one. Throws Usage. */
function clientOf(env) {
  const read = (...names) => names.map((name) => env[name]?.trim()).find(Boolean) ?? ''; // a pasted value ends in a newline
  const sid = read('TWILIO_ACCOUNT_SID', 'ACCOUNT_SID');
  const token = read('TWILIO_AUTH_TOKEN', 'AUTH_TOKEN');
  const [key, secret] = [read('TWILIO_API_KEY'), read('TWILIO_API_SECRET')];
  if (!/^AC[0-9a-fA-F]{32}$/.test(sid)) throw new Usage('TWILIO_ACCOUNT_SID: takes AC and 32 hexadecimal digits');
  if (key && secret) return twilio(key, secret, { accountSid: sid });
  if (!token) throw new Usage('TWILIO_AUTH_TOKEN: is not set (or TWILIO_API_KEY and TWILIO_API_SECRET)');
  return twilio(sid, token);
}

function compiled(file) {
  let artefact;
  try {
    artefact = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    throw new Usage(`${file}: there are no compiled flows: run gateway compile`);
  }
  if (artefact.format !== 1) throw new Usage(`${file}: has another format: run gateway compile`);
  return artefact;
}

/** Where the core answers, as it is written. What is blank in the environment is not set there. Throws Usage. */
function named({ core }, { CORE_URL: first, PUBLIC_URL: second }) {
  const written = core ?? [first, second].find((one) => one?.trim()) ?? '';
  if (!written.trim()) throw new Usage('it is not set where the core answers: set CORE_URL or PUBLIC_URL, or name --core');
  return written;
}

/** Where the Functions answer. What is named wrongly is never looked up instead: that may be another deployment. */
async function domainOf({ domain }, { FUNCTIONS_URL: url = '' }, client) {
  if (domain !== undefined && !HOST.test(domain))
    throw new Usage('--domain takes a host name, such as gateway-1234-dev.twil.io');
  if (domain !== undefined) return domain;
  if (!url.trim()) return deployedTo(client);
  const [, host] = /^(?:https:\/\/)?([^/]*)\/*$/i.exec(url.trim()) ?? [];
  if (!HOST.test(host ?? ''))
    throw new Usage('FUNCTIONS_URL takes https:// and the Domain that npm run deploy printed, or name a --domain');
  return host;
}

/** The host of the one environment of our deployed service. */
async function deployedTo(client) {
  const { name } = JSON.parse(fs.readFileSync(path.join(HOME, 'package.json'), 'utf8'));
  let found;
  try {
    found = await client.serverless.v1.services(name).environments.list();
  } catch (error) {
    if (error.status !== 404) throw error;
    throw new Usage(`Twilio has no Functions service ${name}: run npm run deploy, or name a --domain`);
  }
  const domains = found.map((environment) => environment.domainName).sort();
  if (!domains.length)
    throw new Usage(`the Functions service ${name} has no environment: run npm run deploy, or name a --domain`);
  if (domains.length > 1) throw new Usage(`more than one is deployed: name one as --domain: ${domains.join(', ')}`);
  return domains[0];
}

function asJson(value) {
  return JSON.stringify(value, null, 2);
}

function said(out, text, code) {
  out(`${text}\n`);
  return code;
}

/** The exit code that an error ends in, its words on `err`. */
function failed(error, err) {
  const wrong = [Usage, Fault, plans.Fault].some((kind) => error instanceof kind);
  try {
    err(`numbers: ${wrong ? error.message : account.words(error)}\n`);
    return wrong ? USAGE : LEFT;
  } catch {
    err(`numbers: a bug of ours: ${error.stack}\n`);
    return BUG;
  }
}

if (require.main === module) {
  const env = path.join(HOME, '.env');
  if (fs.existsSync(env)) process.loadEnvFile(env); // what twilio-run reads; the environment's own values win
  const out = (text) => process.stdout.write(text);
  const err = (text) => process.stderr.write(text);
  main(process.argv.slice(2), { env: process.env, out, err }).then((code) => {
    process.exitCode = code;
  });
}

module.exports = { clientOf, main };
