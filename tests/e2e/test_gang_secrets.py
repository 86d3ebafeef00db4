"""Key Vault references of a job on several nodes: every node opens them, and one refusal ends the job."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.jobs.model import State
from tests.e2e.chaos.arena import Arena, no_process_of
from tests.e2e.chaos.place import Place
from tests.e2e.test_gangs import ended, pytorch
from tests.support.vault import Vault
from tests.support.vault import vault as running_vault
from tests.support.waiting import eventually

SECRET = "swordfish of two nodes"


@pytest.fixture
def arena(tmp_path: Path, arena_place: Place) -> Iterator[Arena]:
    with Arena(tmp_path, runners=0, lease_seconds=20, at=arena_place) as made:
        yield made
    eventually(lambda: no_process_of(tmp_path) == [], 5)


@pytest.fixture
def vault(tmp_path: Path, arena: Arena) -> Iterator[Vault]:
    """In the network of the arena, and two runners that know it."""
    (tmp_path / "tls").mkdir()
    with running_vault(tmp_path / "tls") as made:
        made.put("token", SECRET)
        for number in range(2):
            arena.start(number, made.environment())
        yield made


def submit(arena: Arena, vault: Vault, tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(f"import os, sys; sys.exit(os.environ['TOKEN'] != {SECRET!r})\n")
    secrets = [{"name": "TOKEN", "valueSecretReference": vault.reference("token")}]
    arena.submit("job", text="true", **pytorch(script), secrets=secrets)


def test_every_node_has_the_secret(arena: Arena, vault: Vault, tmp_path: Path) -> None:
    submit(arena, vault, tmp_path)
    job = ended(arena, "job")
    assert job.state is State.SUCCEEDED, (job.errors, arena.logs())
    assert SECRET not in arena.logs()


def test_a_secret_that_is_refused_ends_the_job_on_all(arena: Arena, vault: Vault, tmp_path: Path) -> None:
    vault.forbidden["token"] = "ForbiddenByRbac"
    submit(arena, vault, tmp_path)
    job = ended(arena, "job")
    assert (job.state, job.attempt) == (State.FAILED, 1)
    assert [error.code for error in job.errors] == ["SecretUnavailable"]
    assert "Key Vault Secrets User" in job.errors[0].message
