// Loaded into Azurite (node --require). Nothing that a client sees is changed.
//
// 1. Azurite's store looks an object up by the conditions in the order in which they are written: the account first,
//    or the partition. It then walks through all that it finds there, for every upload and every row. Asked for the
//    name first, its own index answers.
// 2. With BLOB_CHANGES_FILE it says of every blob that is written, as the analytics logs of Azure Storage do
//    ($logs, which it does not have): a line [container, name, ETag] of JSON. Whoever reads along need not list.
// 3. For every request it compiles the address templates of all operations of the service. They are compiled once.
const fs = require("fs");
const path = require("path");
const file = (name) => require.resolve(name, { paths: [path.dirname(process.argv[1])] });
const loki = require(file("lokijs"));

const NAMES = ["RowKey", "messageId", "name"]; // what distinguishes an object from most others; Azurite has an index of each
const BLOBS = "$BLOBS_COLLECTION$"; // LokiBlobMetadataStore
const MOST_BYTES = 4 * 1024 * 1024; // then a new file begins; a reader that missed its end lists once
const changes = process.env.BLOB_CHANGES_FILE;
const prototype = loki.Collection.prototype;

const findOne = prototype.findOne;
prototype.findOne = function (query) {
  const first = NAMES.find((name) => query && typeof query[name] === "string");
  return findOne.call(this, first ? { [first]: query[first], ...query } : query);
};

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
