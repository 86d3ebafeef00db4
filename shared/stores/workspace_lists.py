"""Pages of the jobs of all experiments of a workspace, newest first; those with a prefix by name.

Each experiment's jobs lie in a range of their own, newest first (row_keys.py): a page is the merge of the
beginnings of these ranges, which are asked for at the same time, each in one call. A prefix leads, as in the
list of an experiment: it finds a job of last year without a look at all that came later.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from shared.jobs.model import Job
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.job_lists import JobFilter, JobLists, JobPage, listed_under
from shared.stores.job_table import TABLE

#: Times that each range is asked for one page; each brings up to 1000 rows.
_MOST_QUERIES = 5
_MOST_ENTITIES = 1000
_AT_A_TIME = 16
#: That are looked into for one page of those with a prefix.
_MOST_EXPERIMENTS = 10
_END = "~"  # sorts after every character of a key


@dataclass
class _Range:
    """One experiment's rows between two keys. Keys are given without the prefix: they go on alike in all."""

    prefix: str
    first: str
    last: str
    filters: tuple[str, ...] = ()
    found: list[tuple[str, Any]] = field(default_factory=list)
    over: bool = False  #: all that lies in it was found

    @property
    def horizon(self) -> str:
        """Up to which key everything was found."""
        return _END if self.over else self.first


class WorkspaceLists:
    """Reads only. Thread-safe."""

    def __init__(self, connection: Connection, lists: JobLists) -> None:
        self._table = connection.tables.get_table_client(TABLE)
        self._lists = lists
        self._pool = ThreadPoolExecutor(_AT_A_TIME, "lists")

    def page(
        self, workspace: str, experiments: Sequence[str], asked: JobFilter, token: str, most: int
    ) -> JobPage:
        """`most` jobs of `experiments` at most, newest first; with a prefix by experiment and name, and then
        it may be fewer although there is a next page. Raises StoreError."""
        if asked.prefix:
            return self._by_name(workspace, experiments, asked, token, most)
        with translated(f"listing the jobs of workspace {workspace}"):
            ranges = self._ranges(workspace, experiments, asked, token)
            for _ in range(_MOST_QUERIES):
                open_ranges = [one for one in ranges if not one.over and one.first <= _horizon(ranges)]
                list(self._pool.map(self._reader(workspace, asked, most + 1), open_ranges))
                found = _merged(ranges)
                if len(found) > most or all(one.over for one in ranges):
                    break
            shown = found[:most]
            rest = found[most - 1][0] if len(found) > most else _left(ranges)
            return JobPage(tuple(self._lists.jobs_of(entity for _, entity in shown)), rest)

    def _by_name(
        self, workspace: str, experiments: Sequence[str], asked: JobFilter, token: str, most: int
    ) -> JobPage:
        """One experiment after the other. A token is the experiment to go on in and its list's token."""
        where, _, inner = token.partition("/")
        found: list[Job] = []
        rest = sorted(name for name in map(str.lower, experiments) if name >= where.lower())
        for asked_for, experiment in enumerate(rest):
            if len(found) == most or asked_for == _MOST_EXPERIMENTS:
                return JobPage(tuple(found), f"{experiment}/")
            begin = inner if experiment == where.lower() else ""
            page = self._lists.page(workspace, experiment, asked, begin, most - len(found))
            found += page.jobs
            if page.token:
                return JobPage(tuple(found), f"{experiment}/{page.token}")
        return JobPage(tuple(found))

    def _ranges(
        self, workspace: str, experiments: Sequence[str], asked: JobFilter, token: str
    ) -> list[_Range]:
        state = asked.state
        places = [listed_under(experiment, state) for experiment in experiments]
        if state and state.live and self._lists.has_first_layout(workspace):
            places += [(row_keys.state_prefix(experiment, state), ()) for experiment in experiments]
        return [_range(prefix, filters, asked, token) for prefix, filters in places]

    def _reader(self, workspace: str, asked: JobFilter, wanted: int) -> Callable[[_Range], None]:
        def read(one: _Range) -> None:
            rows = self._query(workspace, one, asked, min(wanted, _MOST_ENTITIES)).by_page()
            page = list(next(rows, ()))
            while not page and rows.continuation_token:  # the service may find nothing and look further
                page = list(next(rows, ()))
            keyed = [(str(row["RowKey"]).removeprefix(one.prefix), row) for row in page]
            one.found += keyed
            one.over = rows.continuation_token is None
            if keyed:
                one.first = keyed[-1][0]

        return read

    def _query(self, workspace: str, one: _Range, asked: JobFilter, size: int) -> Any:
        # '!' sorts before every character of a key: what follows the key itself.
        values = {
            "partition": row_keys.partition(workspace),
            "first": f"{one.prefix}{one.first}!" if one.first else one.prefix,
            "last": one.prefix + one.last,
            "state": str(asked.state),
        }
        filters = ("PartitionKey eq @partition", "RowKey ge @first", "RowKey lt @last", *one.filters)
        return self._table.query_entities(" and ".join(filters), parameters=values, results_per_page=size)


def _range(prefix: str, filters: tuple[str, ...], asked: JobFilter, token: str) -> _Range:
    # A key is a time and a uuid: what was created at the very moment lies behind the time alone.
    first = row_keys.newest_first(asked.created_before) + _END if asked.created_before else ""
    last = row_keys.newest_first(asked.created_after) + _END if asked.created_after else _END
    return _Range(prefix, max(first, token.lower()), last, filters)


def _horizon(ranges: Iterable[_Range]) -> str:
    return min((one.horizon for one in ranges), default=_END)


def _merged(ranges: Sequence[_Range]) -> list[tuple[str, Any]]:
    """What was found, in order, as far as nothing can come between."""
    limit = _horizon(ranges)
    # A job that a runner of an earlier version took over lies in two: that of the first layout comes last.
    found = {key: row for one in ranges for key, row in one.found if key <= limit}
    return sorted(found.items(), key=lambda pair: pair[0])


def _left(ranges: Sequence[_Range]) -> str:
    """Where the next page begins when the ranges were not read to their ends; "" when they were."""
    return "" if all(one.over for one in ranges) else _horizon(ranges)
