"""What every command is handed: where the service is, how to talk to it and how to print."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import TracebackType
from typing import Any

from cli import config, output
from cli.columns import Columns
from cli.faults import USAGE, Fault
from cli.http import Api
from cli.shape import flat
from cli.sign_in import sign_in
from shared.names.ids import RESOURCE_GROUP_PATTERN, Scope, name_fault


@dataclass
class Session:
    """The options that all commands share, and what follows from them. A context manager."""

    options: dict[str, str | None]
    form: str | None = None
    query: str | None = None
    _api: Api | None = field(default=None, repr=False)
    #: what was shown of several things, until all of them are; None where there is one
    _together: list[tuple[Any, Columns]] | None = field(default=None, repr=False)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._api:
            self._api.close()

    def at(self, where: dict[str, str]) -> "Session":
        """This session at another place: subscription, resource group, workspace, experiment. It is closed
        with this one."""
        return replace(self, options={**self.options, **where}, _api=self.api)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is shown within the block, by sessions `at` other places too, is one list at its end."""
        shown: list[tuple[Any, Columns]] = []
        self._together = shown
        yield
        self._together = None
        if shown:
            output.show([item for item, _ in shown], self._form, self.query, shown[0][1])

    @cached_property
    def values(self) -> dict[str, config.Value]:
        """Every configured value."""
        return config.values(self.options, os.environ)

    def value(self, name: str, otherwise: str = "") -> str:
        """A configured value."""
        found = self.values.get(name)
        return found.text if found else otherwise

    def account(self) -> str:
        """The service's own storage account, as far as it is known here, else ""."""
        url = self.values.get("url")
        stack = config.stack_account(os.environ) if url and url.source == config.LOCAL_STACK else ""
        return self.value("storage_account") or stack

    def required(self, name: str, option: str) -> str:
        """A configured value. Raises Fault where it is nowhere."""
        text = self.value(name)
        if not text:
            self.url()
            ways = f"Give {option}, set {config.variable(name)}, or: batchai configure {name}=..."
            raise Fault(f"no {name.replace('_', ' ')} is known", ways, USAGE)
        return text

    def url(self) -> str:
        """Address of the service. Raises Fault where none is known."""
        url = self.value("url")
        if not url:
            raise Fault(
                "no Batch AI service is known",
                "Start one here with: make up. Or name one: batchai configure url=https://...",
                USAGE,
            )
        if not url.startswith(("http://", "https://")):
            raise Fault(f"{url} is not an http or https address", "See: batchai configure", USAGE)
        return url

    @property
    def api(self) -> Api:
        """The REST API. Raises Fault where no address is known."""
        if self._api is None:
            url = self.url()
            self._api = Api(url, sign_in(url, self.value("function_key"), self.value("audience")))
        return self._api

    @cached_property
    def scope(self) -> Scope:
        """Subscription and resource group."""
        group = self.required("resource_group", "-g")
        if not RESOURCE_GROUP_PATTERN.match(group):
            raise Fault(f"{group} is not the name of a resource group", exit_code=USAGE)
        return Scope(self.required("subscription_id", "--subscription"), group)

    def workspace(self, name: str | None = None) -> str:
        """ARM id of a workspace; None: the one of -w."""
        return self.scope.workspace(named("workspace", name or self.required("workspace", "-w")))

    def experiment(self) -> str:
        """ARM id of the experiment of -e."""
        return f"{self.workspace()}/experiments/{named('experiment', self.required('experiment', '-e'))}"

    def job(self, name: str) -> str:
        """ARM id of a job."""
        return f"{self.experiment()}/jobs/{named('job', name)}"

    def sweep(self, name: str) -> str:
        """ARM id of a sweep."""
        return f"{self.experiment()}/sweeps/{named('sweep', name)}"

    def cluster(self, name: str) -> str:
        """ARM id of a cluster."""
        return f"{self.workspace()}/clusters/{named('cluster', name)}"

    def file_server(self, name: str) -> str:
        """ARM id of a file server."""
        return f"{self.workspace()}/fileServers/{named('file server', name)}"

    @property
    def is_table(self) -> bool:
        """Whether output is for people: a table without a query."""
        return self._form == "table" and not self.query and self._together is None

    def show(self, answer: dict[str, Any], columns: Columns) -> None:
        """Print one resource."""
        if self._together is None:
            output.show(flat(answer), self._form, self.query, columns)
        else:
            self._together.append((flat(answer), columns))

    def show_all(self, answers: Iterable[dict[str, Any]], columns: Columns) -> None:
        """Print a list of resources."""
        output.show([flat(answer) for answer in answers], self._form, self.query, columns)

    @property
    def _form(self) -> str:
        form = self.form or self.value("output") or output.default_form()
        if form not in output.FORMS:
            raise Fault(f"{form} is no form of output", f"Use one of {', '.join(output.FORMS)}.", USAGE)
        return form


def named(kind: str, name: str) -> str:
    """`name`, where it may be the name of such a thing. Raises Fault."""
    if fault := name_fault(kind, name):
        raise Fault(fault, exit_code=USAGE)
    return name
