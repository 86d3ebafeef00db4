"""The table service: entities with ETags and timestamps, transactions within a partition, filters."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core import MatchConditions
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode

from tests.support.memory.faults import Call, refusal
from tests.support.memory.filters import key_range, read_filter
from tests.support.memory.pages import Listing

if TYPE_CHECKING:
    from tests.support.memory.account import MemoryAccount

T = TypeVar("T")

_MOST_UNITS, _MOST_OPERATIONS, _MOST_ENTITIES = 32 * 1024, 100, 1000
Key = tuple[str, str]


class _Datetime(datetime):
    """As the SDK gives them: no plain datetime."""


class _Stored:
    def __init__(self, columns: dict[str, Any], etag: str, timestamp: datetime) -> None:
        self.columns = {name: _as_read(value) for name, value in columns.items()}
        self.etag, self.timestamp = etag, _as_read(timestamp)

    def entity(self, select: Any = None) -> TableEntity:
        """A copy as it is read."""
        columns = self.columns
        if select:
            columns = {name: value for name, value in columns.items() if name in select}
        found = TableEntity(columns)
        found._metadata = {"etag": self.etag, "timestamp": self.timestamp}
        return found


def _as_read(value: Any) -> Any:
    if not isinstance(value, datetime) or isinstance(value, _Datetime):
        return value
    return _Datetime.fromtimestamp(value.timestamp(), value.tzinfo)


class MemoryTables:
    """A TableServiceClient."""

    def __init__(self, account: "MemoryAccount") -> None:
        self.account = account
        self.tables: dict[str, dict[Key, _Stored]] = {}

    def create_table(self, name: str) -> None:
        def create() -> None:
            if name in self.tables:
                raise refusal(409, "TableAlreadyExists")
            self.tables[name] = {}

        self.account.call("POST", Call("table", "create_table", name), create)

    def get_table_client(self, name: str) -> "MemoryTable":
        return MemoryTable(self, name)

    def close(self) -> None:
        pass


class MemoryTable:
    """A TableClient."""

    def __init__(self, service: MemoryTables, name: str) -> None:
        self._service, self._name = service, name
        self.url = f"memory://{name}"

    def _call(self, method: str, verb: str, key: str, apply: Callable[[], T]) -> T:
        return self._service.account.call(method, Call("table", verb, f"{self._name}/{key}"), apply)

    @property
    def _rows(self) -> dict[Key, _Stored]:
        if self._name not in self._service.tables:
            raise refusal(404, "TableNotFound")
        return self._service.tables[self._name]

    def fill(self, entities: Iterable[Mapping[str, Any]]) -> None:
        """Many new entities at once, in no time and without a call."""
        for entity in entities:
            self._apply(self._rows, ("create", entity))

    def create_entity(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        return self._one("POST", ("create", entity))

    def update_entity(
        self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **options: Any
    ) -> dict[str, Any]:
        options.pop("retry_on_methods", None)
        method = "PATCH" if mode is UpdateMode.MERGE else "PUT"
        return self._one(method, ("update", entity, {"mode": mode, **options}))

    def upsert_entity(
        self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **_: Any
    ) -> dict[str, Any]:
        method = "PATCH" if mode is UpdateMode.MERGE else "PUT"
        return self._one(method, ("upsert", entity, {"mode": mode}))

    def delete_entity(self, partition: str, row: str, **options: Any) -> None:
        def delete() -> None:
            rows = self._rows
            if (partition, row) in rows:  # the SDK says nothing of one that is gone
                self._apply(rows, ("delete", {"PartitionKey": partition, "RowKey": row}, options))

        self._call("DELETE", "delete", f"{partition}/{row}", delete)

    def _one(self, method: str, operation: tuple[Any, ...]) -> dict[str, Any]:
        key = f"{operation[1]['PartitionKey']}/{operation[1]['RowKey']}"
        return self._call(method, operation[0], key, lambda: self._apply(self._rows, operation))

    def submit_transaction(self, operations: list[tuple[Any, ...]], **_: Any) -> list[dict[str, Any]]:
        keys = [(op[1]["PartitionKey"], op[1]["RowKey"]) for op in operations]

        def submit() -> list[dict[str, Any]]:
            if len(operations) > _MOST_OPERATIONS or len({partition for partition, _ in keys}) != 1:
                raise _refused_whole(400, "InvalidInput")
            if len(set(keys)) != len(keys):
                raise _refused_whole(400, "InvalidDuplicateRow")
            wanted = dict(self._rows)
            answers = [self._apply(wanted, operation, within=True) for operation in operations]
            self._service.tables[self._name] = wanted
            return answers

        return self._call("POST", "transaction", "/".join(keys[0]), submit)

    def _apply(
        self, rows: dict[Key, _Stored], operation: tuple[Any, ...], within: bool = False
    ) -> dict[str, Any]:
        verb, entity, options = (*operation, {})[:3]
        refused = _refused_whole if within else refusal
        key = (entity["PartitionKey"], entity["RowKey"])
        found = rows.get(key)
        if verb == "create" and found:
            raise refused(409, "EntityAlreadyExists")
        if verb in ("update", "delete") and found is None:
            raise refused(404, "ResourceNotFound")
        conditional = options.get("match_condition") is MatchConditions.IfNotModified
        if conditional and found and options["etag"] != found.etag:
            raise refused(412, "UpdateConditionNotSatisfied")
        if verb == "delete":
            del rows[key]
            return {}
        columns = {name: value for name, value in entity.items() if value is not None}
        if any(
            isinstance(v, str) and len(v) > _MOST_UNITS // 2 and len(v.encode("utf-16-le")) // 2 > _MOST_UNITS
            for v in columns.values()
        ):
            raise refused(400, "PropertyValueTooLarge")
        if found and options.get("mode") is UpdateMode.MERGE:
            columns = found.columns | columns
        etag = self._service.account.next_etag("W/\"datetime'{}'\"")
        rows[key] = _Stored(columns, etag, self._service.account.clock())
        return {"etag": etag}

    def get_entity(self, partition: str, row: str, raw_response_hook: Any = None) -> TableEntity:
        def get() -> TableEntity:
            if (partition, row) not in self._rows:
                raise refusal(404, "ResourceNotFound")
            return self._rows[partition, row].entity()

        found = self._call("GET", "get", f"{partition}/{row}", get)
        self._pass_date(raw_response_hook)
        return found

    def _pass_date(self, hook: Any) -> None:
        if hook:
            headers = {"Date": self._service.account.date()}
            hook(SimpleNamespace(http_response=SimpleNamespace(headers=headers)))

    def list_entities(self, **options: Any) -> Listing:
        return self.query_entities("", **options)

    def query_entities(
        self,
        filters: str,
        parameters: Mapping[str, Any] | None = None,
        results_per_page: int = _MOST_ENTITIES,
        select: Any = None,
        raw_response_hook: Any = None,
    ) -> Listing:
        if results_per_page > _MOST_ENTITIES:
            raise refusal(400, "InvalidInput")

        def page(token: Any) -> tuple[list[Any], Any]:
            def query() -> tuple[list[Any], Any]:
                after = (token["PartitionKey"], token["RowKey"]) if token else ("", "")
                rows, meant = self._rows, read_filter(filters, parameters or {})
                partition, first, last = key_range(filters, parameters or {})
                near = sorted(_near(rows, partition, first, last, after))
                found = [
                    (key, stored)
                    for key, stored in ((key, rows[key]) for key in near)
                    if meant(stored.columns, stored.timestamp)
                ]
                some = [stored.entity(select) for _, stored in found[:results_per_page]]
                if len(found) == len(some):
                    return some, None
                partition, row = found[len(some)][0]
                return some, {"PartitionKey": partition, "RowKey": row}

            answer = self._call("GET", "query", "", query)
            self._pass_date(raw_response_hook)
            return answer

        return Listing(page)


def _near(rows: Mapping[Key, _Stored], partition: str, first: str, last: str, after: Key) -> list[Key]:
    """The keys a query can mean, from `after` on."""
    if partition and last == first + chr(0):
        return [key] if (key := (partition, first)) in rows and key >= after else []
    return [
        key
        for key in rows
        if key >= after and first <= key[1] < last and (not partition or key[0] == partition)
    ]


def _refused_whole(status: int, code: str) -> TableTransactionError:
    error: Any = TableTransactionError(message=f"0:{code}")
    error.status_code, error.error_code = status, code
    refused: TableTransactionError = error
    return refused
