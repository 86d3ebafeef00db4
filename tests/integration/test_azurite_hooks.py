"""What the hooks make of Azurite's store, asked of the store itself."""

import json
import subprocess
import time
from pathlib import Path

from azure.storage.queue import QueueClient

from local import azurite, npm

_HOOKS = Path(azurite.__file__).parent / "node" / "azurite_hooks.js"
#: Counts how often an index is sorted anew while messages are received and deleted as Azurite does.
_SCRIPT = """
process.argv[1] = process.env.AZURITE;
require(process.env.HOOKS);
const loki = require(require.resolve("lokijs", { paths: [process.env.AZURITE] }));
const indices = ["accountName", "queueName", "messageId"];
const messages = new loki("").addCollection("messages", { indices });
for (let n = 0; n < 20; n++)
  messages.insert({ accountName: "a", queueName: n % 2 ? "odd" : "even", messageId: String(n), seen: n });
let sorted = 0;
const ensure = loki.Collection.prototype.ensureIndex;
loki.Collection.prototype.ensureIndex = function (...given) { sorted++; return ensure.apply(this, given); };
const ids = (found) => found.map((message) => message.messageId);
const odd = () => messages.chain().find({ accountName: "a", queueName: "odd", seen: { $lte: 9 } });
messages.remove([]);
messages.update([]);
const [first] = odd().compoundsort([["seen", false]]).limit(1).data();
first.seen = 99;
messages.update([first]);
const left = ids(odd().data()).sort();
messages.remove([messages.findOne({ accountName: "a", queueName: "odd", messageId: "5" })]);
const once = sorted;
messages.remove(messages.chain().find({ queueName: "even" }).data());
console.log(JSON.stringify({ once, left, end: ids(messages.data), wrong: messages.checkAllIndexes() }));
"""


def test_no_index_is_sorted_for_nothing_or_for_one() -> None:
    where = {"AZURITE": str(azurite.script()), "HOOKS": str(_HOOKS)}
    words = [npm.node_binary(), "-e", _SCRIPT]
    done = subprocess.run(words, env=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "once": 0,
        "left": ["3", "5", "7", "9"],
        "end": ["1", "3", "7", "9", "11", "13", "15", "17", "19"],
        "wrong": [],
    }


def test_a_message_expires_after_a_restart_too(tmp_path: Path) -> None:
    log, kept = tmp_path / "azurite.log", tmp_path / "kept"
    before, endpoints = azurite.start(log, kept)
    try:
        with QueueClient.from_connection_string(endpoints.connection_string, "messages") as queue:
            queue.create_queue()
            queue.send_message("short", time_to_live=6)
            expired_at = time.monotonic() + 6
            queue.send_message("long", time_to_live=600)
            before.stop()
            before, _ = azurite.start(log, kept, endpoints)
            time.sleep(max(0.0, expired_at + 0.5 - time.monotonic()))
            assert [message.content for message in queue.receive_messages()] == ["long"]
    finally:
        before.stop()
