// Reads everything from an emulator with AWS's JavaScript client and compares it with the data set.
//
//     node check_sdk.mjs ENDPOINT DUMP     (check_sdk.sh starts both)
//
// The dump is the expectation as it goes over the wire; wire() brings what the client made of an answer
// back into that form.  Prints one line for each failure, and "N passed, N failed" on the last line.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as sdk from "@aws-sdk/client-appconfig";

const [endpoint, dumpFile] = process.argv.slice(2);
const dump = JSON.parse(readFileSync(dumpFile, "utf8"));
const EXAMPLE = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

// Members that the data set has on purpose though no model knows them; the client drops them.
const UNKNOWN_TO_THE_CLIENT = new Set(["Owner", "Tier", "Revision"]);
// Names that cannot be a path segment; a client that sends them reaches another route.
const DOT_SEGMENTS = new Set([".", ".."]);

let passed = 0;
let failed = 0;

async function check(what, test) {
  try {
    await test();
    passed += 1;
  } catch (problem) {
    failed += 1;
    console.log(`FAIL ${what}: ${problem.message}`);
  }
}

function connect(options = {}) {
  return new sdk.AppConfigClient({ endpoint, region: "us-east-1", credentials: EXAMPLE, ...options });
}

async function control(method, name, document) {
  const answer = await fetch(`${endpoint}/_emulator/${name}`, { method, body: document && JSON.stringify(document) });
  assert.equal(answer.status, 200, await answer.text());
}

// ---------------------------------------------------------------------------------------------------
// Comparing
// ---------------------------------------------------------------------------------------------------

// The client's view of an answer in wire terms: dates as text, unknown union members under their name.
function wire(value) {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(wire);
  if (typeof value === "bigint" || value?.constructor?.name === "NumericValue") return Number(value.string ?? value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value.$unknown)) return wire({ [value.$unknown[0]]: value.$unknown[1] });
  const members = Object.entries(value).filter(([name, member]) => name !== "$metadata" && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, wire(member)]));
}

// What of the dump the client can show: timestamps to the millisecond, no unknown members.
function visible(value, name) {
  if (typeof value === "string" && /At$/.test(name)) return new Date(value).toISOString();
  if (Array.isArray(value)) return value.map((item) => visible(item, name));
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([member]) => !UNKNOWN_TO_THE_CLIENT.has(member));
  return Object.fromEntries(members.map(([member, item]) => [member, visible(item, member)]));
}

function pick(document, members) {
  return Object.fromEntries(members.filter((member) => member in document).map((member) => [member, document[member]]));
}

function same(actual, expected) {
  assert.deepStrictEqual(wire(actual), visible(expected));
}

// All items of a list, through the client's own paginator.
async function all(paginate, input, pageSize) {
  const items = [];
  for await (const page of paginate({ client, pageSize }, input)) items.push(...page.Items);
  return items;
}

// Lists have no documented order: compared in the order of a key.
function sameSet(actual, expected, ...keys) {
  const order = (item) => keys.map((key) => String(item[key]).padStart(10)).join("/");
  const sorted = (items) => [...items].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  same(sorted(actual), sorted(expected));
}

// ---------------------------------------------------------------------------------------------------
// Reading everything
// ---------------------------------------------------------------------------------------------------

const DEFINITION_SUMMARY = ["ApplicationId", "Id", "Name", "Hypothesis", "Status", "ConfigurationProfileId",
  "EnvironmentId", "FlagKey", "CreatedAt", "UpdatedAt"];
const RUN_SUMMARY = ["ExperimentDefinitionId", "Run", "Description", "Status", "StartedAt", "UpdatedAt", "EndedAt"];

function profileSummary(profile) {
  const summary = pick(profile, ["ApplicationId", "Id", "Name", "LocationUri", "Type"]);
  return profile.Validators ? { ...summary, ValidatorTypes: profile.Validators.map(({ Type }) => Type) } : summary;
}

async function readApplications() {
  for (const pageSize of [1, 7, 50, undefined]) {
    await check(`ListApplications by ${pageSize}`, async () =>
      sameSet(await all(sdk.paginateListApplications, {}, pageSize), dump.applications, "Id"));
  }
  for (const application of dump.applications) {
    const ApplicationId = application.Id;
    const inside = (resource) => resource.ApplicationId === ApplicationId;
    await check(`GetApplication ${ApplicationId}`, async () =>
      same(await client.send(new sdk.GetApplicationCommand({ ApplicationId })), application));
    await check(`ListEnvironments ${ApplicationId}`, async () =>
      sameSet(await all(sdk.paginateListEnvironments, { ApplicationId }), dump.environments.filter(inside), "Id"));
    await check(`ListConfigurationProfiles ${ApplicationId}`, async () =>
      sameSet(await all(sdk.paginateListConfigurationProfiles, { ApplicationId }),
        dump.configuration_profiles.filter(inside).map(profileSummary), "Id"));
    await check(`ListExperimentDefinitions ${ApplicationId}`, async () =>
      sameSet(await all(sdk.paginateListExperimentDefinitions, { ApplicationIdentifier: ApplicationId }),
        dump.experiment_definitions.filter(inside).map((document) => pick(document, DEFINITION_SUMMARY)), "Id"));
  }
}

async function readChildren() {
  for (const environment of dump.environments) {
    await check(`GetEnvironment ${environment.Id}`, async () =>
      same(await client.send(new sdk.GetEnvironmentCommand({
        ApplicationId: environment.ApplicationId, EnvironmentId: environment.Id })), environment));
  }
  for (const profile of dump.configuration_profiles) {
    await check(`GetConfigurationProfile ${profile.Id}`, async () =>
      same(await client.send(new sdk.GetConfigurationProfileCommand({
        ApplicationId: profile.ApplicationId, ConfigurationProfileId: profile.Id })), profile));
  }
}

async function readDefinitions() {
  for (const Status of [undefined, "ACTIVE", "IDLE", "ARCHIVED"]) {
    await check(`ListExperimentDefinitions ${Status}`, async () =>
      sameSet(await all(sdk.paginateListExperimentDefinitions, { Status }, 50),
        dump.experiment_definitions.filter((document) => !Status || document.Status === Status)
          .map((document) => pick(document, DEFINITION_SUMMARY)), "Id"));
  }
  for (const definition of dump.experiment_definitions) {
    const identifiers = {
      ApplicationIdentifier: definition.ApplicationId, ExperimentDefinitionIdentifier: definition.Id };
    const runs = dump.experiment_runs.filter((run) => run.ExperimentDefinitionId === definition.Id);
    await check(`GetExperimentDefinition ${definition.Id}`, async () =>
      same(await client.send(new sdk.GetExperimentDefinitionCommand(identifiers)), definition));
    for (const Status of [undefined, "RUNNING", "DONE"]) {
      await check(`ListExperimentRuns ${definition.Id} ${Status}`, async () =>
        sameSet(await all(sdk.paginateListExperimentRuns, { ...identifiers, Status }),
          runs.filter((run) => !Status || run.Status === Status).map((run) => pick(run, RUN_SUMMARY)), "Run"));
    }
    for (const run of runs) {
      await check(`GetExperimentRun ${definition.Id} ${run.Run}`, async () =>
        same(await client.send(new sdk.GetExperimentRunCommand({ ...identifiers, Run: run.Run })), run));
    }
  }
  for (const entry of dump.experiment_run_events) {
    await check(`ListExperimentRunEvents ${entry.ExperimentDefinitionId} ${entry.Run}`, async () =>
      same(await all(sdk.paginateListExperimentRunEvents, {
        ApplicationIdentifier: entry.ApplicationId, ExperimentDefinitionIdentifier: entry.ExperimentDefinitionId,
        Run: entry.Run }), entry.Items));
  }
}

// Every definition by its own and its application's name, if that is nobody's id.
async function readByName() {
  const ids = new Set([...dump.applications, ...dump.experiment_definitions].map(({ Id }) => Id));
  for (const definition of dump.experiment_definitions) {
    const application = dump.applications.find(({ Id }) => Id === definition.ApplicationId);
    if ([definition.Name, application.Name].some((name) => ids.has(name) || DOT_SEGMENTS.has(name))) continue;
    await check(`by name: ${application.Name} / ${definition.Name}`, async () =>
      same(await client.send(new sdk.GetExperimentDefinitionCommand({
        ApplicationIdentifier: application.Name, ExperimentDefinitionIdentifier: definition.Name })), definition));
  }
}

// ---------------------------------------------------------------------------------------------------
// Errors and retries
// ---------------------------------------------------------------------------------------------------

const RUN = { ApplicationIdentifier: "339ohji", ExperimentDefinitionIdentifier: "bsxyd7k", Run: 1 };

async function refused(what, name, status, command, options) {
  await check(`error: ${what}`, async () => {
    const problem = await connect({ maxAttempts: 1, ...options }).send(command).then(() => null, (error) => error);
    assert.equal(problem?.name, name, `${problem?.name}: ${problem?.message}`);
    assert.equal(problem.$metadata.httpStatusCode, status);
    assert.match(problem.$metadata.requestId, /^[0-9a-f-]{36}$/);
    if (name in sdk) assert.ok(problem instanceof sdk[name], `not the client's class ${name}`);
  });
}

async function retried(what, fault, attempts) {
  await check(`retried: ${what}`, async () => {
    await control("POST", "faults", [{ times: attempts - 1, ...fault }]);
    const answer = await connect().send(new sdk.GetExperimentRunCommand(RUN));
    assert.equal(answer.Run, 1);
    assert.equal(answer.$metadata.attempts, attempts);
  });
  await control("DELETE", "faults");
}

async function errors() {
  const get = new sdk.GetExperimentRunCommand(RUN);
  const identity = (accessKeyId, secretAccessKey, sessionToken) => ({
    credentials: { accessKeyId, secretAccessKey, sessionToken } });
  await refused("no such application", "ResourceNotFoundException", 404,
    new sdk.GetApplicationCommand({ ApplicationId: "zzzzzzz" }));
  await refused("no such run", "ResourceNotFoundException", 404, new sdk.GetExperimentRunCommand({ ...RUN, Run: 99 }));
  await refused("made-up token", "BadRequestException", 400, new sdk.ListApplicationsCommand({ NextToken: "bogus" }));
  await refused("page too large", "BadRequestException", 400, new sdk.ListApplicationsCommand({ MaxResults: 51 }));
  await refused("denied", "AccessDeniedException", 403, get, identity("AKIDDENIED", "denied-secret"));
  await refused("unknown key", "UnrecognizedClientException", 403, get, identity("AKIDNOBODY", "x"));
  await refused("wrong secret", "InvalidSignatureException", 403, get, identity("AKIDEXAMPLE", "x"));
  await refused("wrong token", "UnrecognizedClientException", 403, get,
    identity("ASIATEMPORARY", "temporary-secret", "x"));
  await refused("expired token", "ExpiredTokenException", 403, get,
    identity("ASIAEXPIRED", "expired-secret", "expired-token"));
  await check("session token", async () => {
    const temporary = connect(identity("ASIATEMPORARY", "temporary-secret", "temporary-token"));
    assert.equal((await temporary.send(get)).Run, 1);
  });
  for (const [fault, name, status] of [
    [{ kind: "throttle" }, "ThrottlingException", 429],
    [{ kind: "throttle", status: 400 }, "ThrottlingException", 400],
    [{ kind: "error500" }, "InternalServerException", 500],
    [{ kind: "unavailable503" }, "ServiceUnavailableException", 503],
  ]) {
    await control("POST", "faults", [fault]);
    await refused(`${fault.kind} ${status}`, name, status, get);
  }
  await control("DELETE", "faults");
  await retried("throttle 429", { kind: "throttle" }, 2);
  await retried("throttle 400", { kind: "throttle", status: 400 }, 3);
  await retried("internal error", { kind: "error500" }, 3);
  await retried("reset", { kind: "reset" }, 2);
  await check("a clock that is wrong is corrected from the Date header", async () => {
    await control("POST", "mutate", { action: "set_clock", seconds: 3600 });
    const answer = await connect().send(get);
    assert.equal(answer.$metadata.attempts, 2);
  });
  await control("POST", "mutate", { action: "set_clock", seconds: 0 });
}

const client = connect();
if (!("GetExperimentRunCommand" in sdk)) {
  console.log("FAIL the installed client has no experiment operations\n0 passed, 1 failed");
  process.exit(1);
}
await readApplications();
await readChildren();
await readDefinitions();
await readByName();
await errors();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
