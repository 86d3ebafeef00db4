// Loaded into Azurite by bench/listing.py (node --require). Azurite looks an entity up by its partition first and
// walks through all that it finds there: with one partition, through the whole table for every insert. Asked for the
// row first, its own index answers. Nothing else is changed.
const path = require("path");
const loki = require(require.resolve("lokijs", { paths: [path.dirname(process.argv[1])] }));
const findOne = loki.Collection.prototype.findOne;
loki.Collection.prototype.findOne = function (query) {
  const { PartitionKey, RowKey, ...others } = query || {};
  const byRow = PartitionKey === undefined || RowKey === undefined ? query : { RowKey, PartitionKey, ...others };
  return findOne.call(this, byRow);
};
