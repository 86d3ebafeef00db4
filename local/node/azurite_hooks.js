// Loaded into Azurite (node --require). Nothing that a client sees is changed.
//
// 1. Azurite's store looks an object up by the conditions in the order in which they are written: the account first,
//    or the partition. It then walks through all that it finds there, for every upload and every row. Asked for the
//    name first, its own index answers.
// 2. With BLOB_CHANGES_FILE it says of every blob that is written, as the analytics logs of Azure Storage do
//    ($logs, which it does not have): a line [container, name, ETag] of JSON. Whoever reads along need not list.
// 3. Half of what it loads it never uses: a client of SQL servers and one of Application Insights. Without them it is
//    ready in half the time and takes 35 MB less. They are there where its environment or options ask for them.
// 4. For every request it compiles the address templates of all operations of the service. They are compiled once.
// 5. For a list of objects to remove or update its store sorts all its indexes anew and has itself saved, also for a list
//    of none. Every call of a queue removes what has expired, nearly always nothing, and each message that is received is
//    a list of one. Removing nothing does nothing, and lists of one are treated as the one.
// 6. Names of requests come from a pool of random bytes instead of a call of the kernel each.
// 7. When a message expires it keeps as a Date, which comes back from the disk as text: such a message never expired after a
//    restart. It is kept as a number, as when the message is seen next.
const crypto = require("crypto");
const fs = require("fs");
const module_ = require("module");
const path = require("path");
const file = (name) => require.resolve(name, { paths: [path.dirname(process.argv[1])] });
const loki = require(file("lokijs"));

const NAMES = ["RowKey", "messageId", "name", "queueName"]; // what distinguishes an object from most others; Azurite has an index of each
const BLOBS = "$BLOBS_COLLECTION$"; // LokiBlobMetadataStore
const MOST_BYTES = 4 * 1024 * 1024; // then a new file begins; a reader that missed its end lists once
const changes = process.env.BLOB_CHANGES_FILE;
const prototype = loki.Collection.prototype;

const unused = new Set();
if (!process.env.AZURITE_DB) unused.add("sequelize");
if (process.argv.includes("--disableTelemetry")) unused.add("applicationinsights");
/** Stands for all that such a module has: classes are derived from it while Azurite loads. */
const nothing = new Proxy(class {}, { get: (target, name) => (name in target ? target[name] : nothing) });

const load = module_._load;
module_._load = function (request, ...rest) {
  return unused.has(request) ? nothing : load.call(this, request, ...rest);
};

const results = Object.getPrototypeOf(new loki.Collection("").chain());
const find = results.find;
results.find = function (query, ...rest) {
  const first = !this.filterInitialized && query && NAMES.find((name) => typeof query[name] === "string");
  return find.call(this, first ? { [first]: query[first], ...query } : query, ...rest);
};

for (const verb of ["remove", "update"]) {
  const act = prototype[verb];
  prototype[verb] = function (documents) {
    if (!Array.isArray(documents) || documents.length > 1) return act.call(this, documents);
    if (documents.length) act.call(this, documents[0]);
  };
}

const insert = prototype.insert;
prototype.insert = function (documents, ...rest) {
  if (documents.expirationTime instanceof Date) documents.expirationTime = documents.expirationTime.getTime();
  return insert.call(this, documents, ...rest);
};

const v4 = require(file("uuid/v4"));
require.cache[file("uuid/v4")].exports = (...given) => (given.length ? v4(...given) : crypto.randomUUID());

const compile = require(file("uri-templates"));
const compiled = new Map(); // as many as there are operations
require.cache[file("uri-templates")].exports = (template) => {
  if (!compiled.has(template)) compiled.set(template, compile(template));
  return compiled.get(template);
};

let written = 0;

function begin() {
  fs.writeFileSync(`${changes}.new`, "");
  fs.renameSync(`${changes}.new`, changes);
  written = 0;
}

function report(blob) {
  if (blob.snapshot || blob.isCommitted === false) return;
  if (written > MOST_BYTES) begin();
  const line = JSON.stringify([blob.containerName, blob.name, blob.properties.etag]) + "\n";
  fs.appendFileSync(changes, line);
  written += line.length;
}

if (changes) {
  begin();
  for (const verb of ["insert", "update"]) {
    const act = prototype[verb];
    prototype[verb] = function (documents, ...rest) {
      const done = act.call(this, documents, ...rest);
      if (this.name === BLOBS) (Array.isArray(documents) ? documents : [documents]).forEach(report);
      return done;
    };
  }
}
