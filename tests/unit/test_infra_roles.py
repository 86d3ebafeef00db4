"""What infra/ gives to whom is what docs/reference/roles.md says, no more and no less."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scripts.check_infra import given_to, parsed

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
APP, RUNNER, TOPIC, DEPLOYER = "The function app", "A runner", "Event Grid's system topic", "who deploys"
#: What stands for a principal in the modules.
WHO = {"appPrincipalId": APP, "runnerPrincipalId": RUNNER, "deployerPrincipalId": DEPLOYER}
STATE, DATA, OTHER = "the state account", "the data account", "the data account, where it is another"
#: (module, what `scope` is there) -> the place in the document's words.
PLACES = {
    ("state-roles", "account"): STATE,
    ("state-roles", "packages"): "`packages`",
    ("data-roles", "account"): DATA,
    ("vault", "sealingKeys"): "the secret `sealing-keys`",
    ("monitoring-roles", "component"): "Application Insights",
    ("drops", "queue"): "the queue `drops`",
    ("pool", "machines"): "each scale set that is a pool, nothing else",
    ("pool-roles", ""): "the resource group of the pools",  # that of the deployment: no scope is named
}
GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Assignment(NamedTuple):
    who: str
    role: str  #: its id
    on: str


def names_in(value: Any) -> set[str]:
    """Every word of an expression."""
    if isinstance(value, dict):
        return set().union(*(names_in(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(names_in(part) for part in value))
    return {value} if isinstance(value, str) else set()


def assigned(module: str) -> Iterator[Assignment]:
    """The role assignments of a module, loops unrolled."""
    tree = parsed(INFRA / "modules" / f"{module}.bicep")
    values = {name: about["value"] for name, about in tree.get("variables", {}).items()}
    for resource in tree["resources"].values():
        if resource["type"] == "Microsoft.Authorization/roleAssignments":
            yield from _unrolled(module, resource["config"], values)


def _unrolled(module: str, config: dict[str, Any], values: dict[str, Any]) -> Iterator[Assignment]:
    loop = config.get("loop_type", {}).get("detail", {}).get("array_name", "")
    inner = config.get("config", config)
    scope, properties = inner.get("scope", ""), inner["properties"]
    role = properties["roleDefinitionId"]["function"]["parameters"]["resource_name_1"]
    if loop in ("onAccount", "given"):
        # `given` of the data account: files always, blobs where the account is another one.
        lists = {"onAccount": [(STATE, "onAccount")], "given": [(DATA, "files"), (OTHER, "blobs")]}[loop]
        for place, name in lists:
            assert PLACES[(module, scope)] in place
            for one in values[name]:
                yield Assignment(WHO[one["who"]], values[one["role"]], place)
    elif loop == "written":
        own, more = values[loop]["function"]["parameters"].values()
        assert more == "runnerContainers" and "writtenContainer" in names_in(scope)
        for place in (
            " and ".join(f"`{name}`" for name in own),
            "each container for data in the state account",
        ):
            yield Assignment(WHO[properties["principalId"]], values[role], place)
    elif loop:
        for who in principals(module, loop):
            yield Assignment(who, values[role], PLACES[(module, scope)])
    else:
        principal = properties["principalId"]
        who = WHO[principal] if isinstance(principal, str) else TOPIC
        assert who is not TOPIC or {"topic", "principalId"} <= names_in(principal)
        yield Assignment(who, values[role], PLACES[(module, scope)])


def principals(module: str, parameter: str) -> set[str]:
    """Whom main.bicep gives to a module in a list."""
    modules = parsed(INFRA / "main.bicep")["modules"].values()
    (found,) = [m for m in modules if m["detail"]["path"] == f"modules/{module}.bicep"]
    return {WHO[name] for name in names_in(given_to(found)[parameter]) if name in WHO}


def documented(given: str) -> list[Assignment]:
    """The rows of roles.md whose column `azd up` says `given`."""
    rows: list[Assignment] = []
    title = ""
    for line in (PROJECT / "docs" / "reference" / "roles.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 5 and re.fullmatch(f"`{GUID}`", cells[-4]) and cells[-2] == given:
            who = cells[0] if len(cells) == 6 else title
            rows.append(Assignment(who, cells[-4].strip("`"), cells[-3]))
    return rows


def test_what_is_given_is_what_is_documented() -> None:
    made = [one for file in sorted(INFRA.glob("modules/*.bicep")) for one in assigned(file.stem)]
    assert len(made) == len(set(made)), "an assignment is made twice"
    rows = documented("yes")
    assert len(rows) == len(set(rows)), "a row stands twice"
    assert set(rows) == set(made)
    assert {one.who for one in rows} == {APP, RUNNER, TOPIC, DEPLOYER}


def test_what_people_give_themselves_is_said() -> None:
    assert [(one.who, one.on) for one in documented("no")] == [(RUNNER, "vaults that documents refer to")]


def test_a_role_has_one_name() -> None:
    text = (PROJECT / "docs" / "reference" / "roles.md").read_text("utf-8")
    names: dict[str, set[str]] = {}
    for name, identifier in re.findall(rf"\| ((?:Storage|Key|Monitoring) [A-Za-z ]+?) \| `({GUID})`", text):
        names.setdefault(identifier, set()).add(name)
    assert len(names) == 11
    assert {identifier: found for identifier, found in names.items() if len(found) > 1} == {}
