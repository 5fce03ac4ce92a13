#!/usr/bin/env node
// Asks @cloud-copilot/iam-simulate which of some requests a policy allows: JSON lines in, JSON lines out.
//
//   {"policies": [POLICY …], "trust": true|false, "requests": [{"principal", "action", "resource", "context", "delegated"} …]}
//   {"allowed": ["1001…" a policy, a digit for each request], "invalid": [what its validator says of each policy …]}
//
// `trust` says that the policies are trust policies of the resource; else they are identity policies of the principal. `delegated`:
// an identity policy of the principal allows everything, so that a trust policy that names the account lets it in.
//
//   {"decide": {"principal", "action", "resource", "account", "context"}, "identity": [POLICY …], "boundary", "session", "of_resource": POLICY or null}
//   {"result": "Allowed"|"ImplicitlyDenied"|"ExplicitlyDenied", "invalid": […]}
//
// The second kind is one request before all policies that it meets; `account` is that of the resource, `of_resource` its policy.
//
// The evaluator's `runSimulation` is not called: it drops condition keys that its data does not list for an action, and with them
// every key of an EKS issuer. This is what it calls itself, behind the same validation of policies.
'use strict';
const path = require('node:path');
const readline = require('node:readline');

const simulator = path.dirname(require.resolve('@cloud-copilot/iam-simulate'));
const { authorize } = require(path.join(simulator, 'core_engine/CoreSimulatorEngine.js'));
const { AwsRequestImpl } = require(path.join(simulator, 'request/request.js'));
const { RequestContextImpl } = require(path.join(simulator, 'requestContext.js'));
const { DiscoveryContextKeyConstraints } = require(path.join(simulator, 'context_keys/discoveryContextKeyConstraints.js'));
const { loadPolicy, validateIdentityPolicy, validateResourcePolicy } = require('@cloud-copilot/iam-policy');

const ACCOUNT = '111122223333';
const ALL = load({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
const simulationParameters = { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) };

// A policy that answers each question about itself once: the evaluator reads its document anew for each request.
function load(policy) {
  const remembered = (object) => {
    for (let type = Object.getPrototypeOf(object); type !== Object.prototype; type = Object.getPrototypeOf(type)) {
      for (const name of Object.getOwnPropertyNames(type)) {
        const method = object[name];
        if (name === 'constructor' || typeof method !== 'function' || method.length > 0 || Object.hasOwn(object, name)) continue;
        let answer;
        object[name] = () => (answer ??= { value: method.call(object) }).value;
      }
    }
    return object;
  };
  const loaded = remembered(loadPolicy(policy, { name: 'judged' }));
  for (const statement of loaded.statements().map(remembered)) {
    for (const condition of statement.conditions().map(remembered)) remembered(condition.operation());
  }
  return loaded;
}

function isAllowed(policy, trust, { request, delegated }) {
  const identityPolicies = trust ? (delegated ? [ALL] : []) : [policy];
  const answer = authorize({
    request,
    identityPolicies,
    resourcePolicy: trust ? policy : undefined,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    simulationParameters,
    serviceSettings: {},
  });
  return answer.result === 'Allowed';
}

// A trust policy has no Resource; the validator wants one of every resource policy.
function validate(policy, trust) {
  if (!trust) return validateIdentityPolicy(policy);
  const statements = [policy.Statement].flat().map((statement) => ({ ...statement, Resource: '*' }));
  return validateResourcePolicy({ ...policy, Statement: statements });
}

function answer({ policies, trust, requests }) {
  const prepared = requests.map(({ principal, action, resource, context, delegated }) => ({
    request: new AwsRequestImpl(principal, { resource, accountId: ACCOUNT }, action, new RequestContextImpl(context)),
    delegated,
  }));
  const allowed = policies.map((policy) => {
    const loaded = load(policy);
    return prepared.map((one) => (isAllowed(loaded, trust, one) ? '1' : '0')).join('');
  });
  const invalid = policies.flatMap((policy) => validate(policy, trust).map(({ path, message }) => `${path}: ${message}`));
  return { allowed, invalid };
}

function decide({ decide: { principal, action, resource, account, context }, identity, boundary, session, of_resource: ofResource }) {
  const isTrust = action.toLowerCase().startsWith('sts:');
  const judged = authorize({
    request: new AwsRequestImpl(principal, { resource, accountId: account }, action, new RequestContextImpl(context)),
    identityPolicies: identity.map(load),
    permissionBoundaries: boundary ? [load(boundary)] : undefined,
    sessionPolicy: session ? load(session) : undefined,
    resourcePolicy: ofResource ? load(ofResource) : undefined,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    simulationParameters,
    serviceSettings: {},
  });
  const own = [...identity, boundary, session].filter((policy) => policy);
  const invalid = [
    ...own.flatMap((policy) => validate(policy, false)),
    ...(ofResource ? (isTrust ? validate(ofResource, true) : validateResourcePolicy(ofResource)) : []),
  ];
  return { result: judged.result, invalid: invalid.map(({ path, message }) => `${path}: ${message}`) };
}

const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on('line', (line) => {
  const question = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(question.decide ? decide(question) : answer(question))}\n`);
});
