'use strict';
// Functions and Assets: services, environments, uploaded versions, builds, variables, deployments. What is deployed is
// written to a folder as the project that it was uploaded from.
const fs = require('node:fs');
const path = require('node:path');
const { Refusal, invalid, meta, ok, sid, unknown } = require('./answers');

const RUNTIMES = ['node20', 'node22', 'node24']; // node18 is refused since 2025-11-10
const VISIBILITIES = ['public', 'protected', 'private'];
const PATH = /^\/[^;,?:@+&$()'"#\s]{0,254}$/;
const POLLS = 1; // a build says `building` this often

const S = '/v1/Services/(ZS\\w{32})';
const E = `${S}/Environments/(ZE\\w{32})`;
const at = (pattern) => new RegExp(`^${pattern}$`);
const routes = [
  ['GET', at('/v1/Services'), (state, asked) => meta('services', state.services, asked)],
  ['POST', at('/v1/Services'), createService],
  ['GET', at('/v1/Services/([^/]+)'), (state, asked) => ok(service(state, asked))],
  [
    'GET',
    at('/v1/Services/([^/]+)/Environments'),
    (state, asked) => meta('environments', ofService(state, asked, 'environments'), asked),
  ],
  ['POST', at(`${S}/Environments`), createEnvironment],
  ['GET', at(E), (state, asked) => ok(one(state.environments, asked, 1))],
  ['GET', at(`${S}/(Functions|Assets)`), listResources],
  ['POST', at(`${S}/(Functions|Assets)`), createResource],
  ['POST', at(`${S}/(Functions|Assets)/(Z[HN]\\w{32})/Versions`), createVersion],
  ['GET', at(`${S}/Builds`), (state, asked) => meta('builds', ofService(state, asked, 'builds'), asked)],
  ['POST', at(`${S}/Builds`), createBuild],
  ['GET', at(`${S}/Builds/(ZB\\w{32})`), (state, asked) => ok(one(state.builds, asked, 1))],
  ['GET', at(`${S}/Builds/(ZB\\w{32})/Status`), buildStatus],
  ['GET', at(`${E}/Variables`), (state, asked) => meta('variables', variables(state, asked), asked)],
  ['POST', at(`${E}/Variables`), createVariable],
  ['POST', at(`${E}/Variables/(ZV\\w{32})`), updateVariable],
  ['DELETE', at(`${E}/Variables/(ZV\\w{32})`), deleteVariable],
  ['POST', at(`${E}/Deployments`), deploy],
];

function service(state, { path: asked, part }) {
  const found = state.services.find((each) => [each.sid, each.unique_name].includes(decodeURIComponent(part[0])));
  if (!found) throw unknown(asked);
  return found;
}

function ofService(state, asked, key) {
  const { sid: owner } = service(state, asked);
  return state[key].filter((each) => each.service_sid === owner);
}

function one(items, { path: asked, part }, nth) {
  const found = items.find((each) => each.sid === part[nth]);
  if (!found) throw unknown(asked);
  return found;
}

/** A new resource under `asked.path` with what all of them have. */
function made(state, asked, prefix, more) {
  const key = sid(prefix);
  const now = '2026-11-23T09:00:00Z';
  const owner = asked.part[0] ? { service_sid: service(state, asked).sid } : {};
  const url = `https://serverless.twilio.com${asked.path}/${key}`;
  return {
    sid: key,
    account_sid: state.account,
    ...owner,
    ...more,
    date_created: now,
    date_updated: now,
    url,
    links: {},
  };
}

function createService(state, asked) {
  const { UniqueName: name, FriendlyName, IncludeCredentials = 'true', UiEditable = 'false' } = asked.form;
  if (!name || !FriendlyName) throw invalid('UniqueName and FriendlyName are required');
  if (state.services.some((each) => each.unique_name === name))
    throw new Refusal(409, 20409, `A service named ${name} exists`);
  const base = `${name}-${1000 + state.services.length}`;
  const fresh = made(state, asked, 'ZS', {
    unique_name: name,
    friendly_name: FriendlyName,
    domain_base: base,
    include_credentials: IncludeCredentials === 'true',
    ui_editable: UiEditable === 'true',
  });
  state.services.push(fresh);
  return ok(fresh, 201);
}

function createEnvironment(state, asked) {
  const { UniqueName: name, DomainSuffix: suffix } = asked.form;
  if (!name) throw invalid('UniqueName is required');
  const { domain_base: base } = service(state, asked);
  const domain = `${[base, suffix].filter(Boolean).join('-')}.twil.io`;
  if (state.environments.some((each) => each.domain_name === domain)) throw new Refusal(409, 20409, `${domain} exists`);
  const fresh = made(state, asked, 'ZE', {
    unique_name: name,
    domain_suffix: suffix ?? null,
    domain_name: domain,
    build_sid: null,
  });
  state.environments.push(fresh);
  return ok(fresh, 201);
}

function listResources(state, asked) {
  const kind = asked.part[1].toLowerCase();
  return meta(
    kind,
    ofService(state, asked, 'resources').filter((each) => each.kind === kind),
    asked,
  );
}

function createResource(state, asked) {
  if (!asked.form.FriendlyName) throw invalid('FriendlyName is required');
  const fresh = made(state, asked, 'ZH', { friendly_name: asked.form.FriendlyName, kind: asked.part[1].toLowerCase() });
  state.resources.push(fresh);
  return ok(fresh, 201);
}

/** An upload: multipart with Path, Visibility, Content, at a host of its own. */
function createVersion(state, asked) {
  if (asked.host !== 'serverless-upload.twilio.com') throw unknown(asked.path);
  const kind = asked.part[1] === 'Functions' ? 'function' : 'asset';
  const { sid: owner } = one(state.resources, asked, 2);
  const { Path, Visibility, Content } = asked.parts;
  if (!Content) throw invalid('Content is required');
  if (!PATH.test(String(Path))) throw invalid('Path is not valid');
  if (!VISIBILITIES.includes(String(Visibility))) throw invalid(`Visibility must be one of ${VISIBILITIES}`);
  const fresh = made(state, asked, 'ZN', {
    [`${kind}_sid`]: owner,
    path: String(Path),
    visibility: String(Visibility),
  });
  state.versions.push(fresh);
  state.contents[fresh.sid] = Content;
  return ok(fresh, 201);
}

function createBuild(state, asked) {
  const { Runtime: runtime = 'node22', Dependencies: raw = '[]' } = asked.form;
  if (!RUNTIMES.includes(runtime)) throw invalid(`Runtime version ${runtime} is not supported`);
  const versions = (name, key) =>
    [asked.form[name] ?? []].flat().map((each) => {
      const found = state.versions.find((version) => version.sid === each && version[key]);
      if (!found) throw invalid(`${name}: ${each} does not exist`);
      return found;
    });
  const dependencies = JSON.parse(raw.replace(/^"([^]*)"$/, '$1')); // the toolkit puts the JSON in quotes
  const build = made(state, asked, 'ZB', {
    status: 'building',
    runtime,
    dependencies,
    function_versions: versions('FunctionVersions', 'function_sid'),
    asset_versions: versions('AssetVersions', 'asset_sid'),
  });
  state.builds.push(build);
  state.polls[build.sid] = 0;
  return ok(build, 201);
}

function buildStatus(state, asked) {
  const build = one(state.builds, asked, 1);
  state.polls[build.sid] += 1;
  if (state.polls[build.sid] > POLLS) build.status = 'completed';
  const { sid: key, account_sid, service_sid, status } = build;
  return ok({ sid: key, account_sid, service_sid, status, url: `https://serverless.twilio.com${asked.path}` });
}

function variables(state, asked) {
  const { sid: owner } = one(state.environments, asked, 1);
  return state.variables.filter((each) => each.environment_sid === owner);
}

function createVariable(state, asked) {
  const { Key: key, Value: value } = asked.form;
  if (!key) throw invalid('Key is required');
  if (variables(state, asked).some((each) => each.key === key)) throw new Refusal(409, 20409, `${key} exists`);
  const fresh = made(state, asked, 'ZV', { environment_sid: asked.part[1], key, value: value ?? '' });
  state.variables.push(fresh);
  return ok(fresh, 201);
}

function updateVariable(state, asked) {
  const found = one(state.variables, asked, 2);
  found.value = asked.form.Value ?? '';
  return ok(found);
}

function deleteVariable(state, asked) {
  const gone = one(state.variables, asked, 2);
  state.variables = state.variables.filter((each) => each !== gone);
  return { status: 204, body: null };
}

function deploy(state, asked) {
  const environment = one(state.environments, asked, 1);
  const build = state.builds.find((each) => each.sid === asked.form.BuildSid);
  if (build?.status !== 'completed') throw invalid('BuildSid is not a completed build');
  environment.build_sid = build.sid;
  if (state.folder) rebuild(state, environment, build);
  const fresh = made(state, asked, 'ZD', { environment_sid: environment.sid, build_sid: build.sid });
  state.deployments.push(fresh);
  return ok(fresh, 201);
}

/** Writes the project to `folder/domain`: functions, assets, package.json, and the variables as .env. */
function rebuild(state, environment, build) {
  const root = path.join(state.folder, environment.domain_name);
  fs.rmSync(root, { recursive: true, force: true });
  for (const version of build.function_versions) put(root, 'functions', `${version.path}.js`, version, state);
  for (const version of build.asset_versions) put(root, 'assets', version.path, version, state);
  const dependencies = Object.fromEntries(build.dependencies.map(({ name, version }) => [name, version]));
  const { runtime } = build;
  fs.mkdirSync(root, { recursive: true });
  fs.writeFileSync(
    path.join(root, 'package.json'),
    JSON.stringify({ name: environment.domain_name, runtime, dependencies }),
  );
  const set = state.variables.filter((each) => each.environment_sid === environment.sid);
  fs.writeFileSync(path.join(root, '.env'), set.map(({ key, value }) => `${key}=${JSON.stringify(value)}\n`).join(''));
}

function put(root, folder, name, { sid: key, visibility }, state) {
  const shown = visibility === 'public' ? name : name.replace(/(\.[^./]+)?$/, `.${visibility}$1`);
  const file = path.join(root, folder, shown);
  if (!file.startsWith(path.join(root, folder) + path.sep)) throw invalid('Path is not valid');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, state.contents[key]);
}

module.exports = { routes };
