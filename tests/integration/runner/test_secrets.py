"""Secrets on their way into a job: inline, from a Key Vault, of the cluster; and out of all that is said."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.agent.loop import Agent
from runner.attempt.result import Result
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopSignal
from shared.environment.layout import path_segment
from shared.jobs.model import Reason, State
from shared.stores.secrets.key_vaults import Vaults
from tests.integration.runner.conftest import Shares
from tests.support import agents
from tests.support.agents import job_runner, running
from tests.support.vault import Vault
from tests.support.vault import vault as running_vault
from tests.support.waiting import eventually
from tests.support.world import CLUSTER, World, document

MOUNTS = "$AZ_BATCHAI_JOB_MOUNT_ROOT"
SAYS = 'test "$TOKEN" = swordfish-7 && echo it is the one'


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with running_vault(tmp_path) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


class Stage:
    """Runs one document whose logs go to the share `logs`, with a vault at hand."""

    def __init__(self, world: World, shares: Shares, config: NodeConfig, vault: Vault) -> None:
        self.world, self.shares, self.config, self.vault = world, shares, config, vault
        self.logs = shares.create("logs")

    def volume(self, **credentials: Any) -> dict[str, Any]:
        return {"azureFileShares": [self.shares.volume("logs") | {"credentials": credentials}]}

    def document(self, command: str, **properties: Any) -> bytes:
        least = {
            "stdOutErrPathPrefix": f"{MOUNTS}/logs",
            "mountVolumes": {"azureFileShares": [self.shares.volume("logs")]},
        }
        return document(command, **least | properties)

    def run(self, command: str, **properties: Any) -> Result:
        self.world.accept("job", self.document(command, **properties))
        claim = self.world.must_claim(self.config.node_id)
        runner = job_runner(self.world, self.config, claim, StopSignal())
        vaults = Vaults([self.vault.host])
        runner.host = replace(runner.host, vaults=vaults)
        try:
            return runner.run()
        finally:
            vaults.close()

    def log(self, name: str = "stdout.txt") -> str:
        segment = path_segment(self.world.settings.scope, self.world.id(), self.world.job().uuid)
        path = self.logs / segment / "stdouterr" / name
        return path.read_text() if path.exists() else ""


@pytest.fixture
def stage(world: World, shares: Shares, config: Callable[..., NodeConfig], vault: Vault) -> Stage:
    return Stage(world, shares, config(vault_hosts=(vault.host,)), vault)


def outcome(result: Result) -> tuple[Reason, str]:
    assert result.outcome is not None
    return result.outcome.reason, result.outcome.message


def secret(stage: Stage, name: str = "token") -> list[dict[str, Any]]:
    return [{"name": "TOKEN", "valueSecretReference": stage.vault.reference(name)}]


def test_a_job_finds_what_the_vault_holds_and_its_volume_opens_with_a_key_from_there(stage: Stage) -> None:
    stage.vault.put("token", "swordfish-7")
    stage.vault.put("key", stage.shares.server.key)
    volume = stage.volume(accountKeySecretReference=stage.vault.reference("key"))
    result = stage.run(SAYS, secrets=secret(stage), mountVolumes=volume)
    assert outcome(result) == (Reason.SUCCEEDED, "")
    # The line came over REST, signed with the key.
    assert stage.log() == "it is the one\n"
    asked = [path for path in stage.vault.requests if path.startswith("/secrets/token?")]
    assert len(asked) <= 2, "the challenge, and once per attempt"


def test_every_secret_that_is_refused_is_named(stage: Stage) -> None:
    stage.vault.put("token", "swordfish-7")
    stage.vault.forbidden["token"] = "ForbiddenByRbac"
    volume = stage.volume(accountKeySecretReference=stage.vault.reference("key"))
    reason, message = outcome(stage.run("true", secrets=secret(stage), mountVolumes=volume))
    assert reason is Reason.SECRET_UNAVAILABLE
    assert "$.properties.secrets[0].valueSecretReference: vault 127.0.0.1" in message
    assert "Key Vault Secrets User" in message
    path = "$.properties.mountVolumes.azureFileShares[0].credentials.accountKeySecretReference"
    assert f"{path}: vault {stage.vault.host} answered 404 SecretNotFound" in message


def test_a_vault_that_is_away_is_our_fault_and_not_the_nodes(stage: Stage) -> None:
    stage.vault.put("token", "swordfish-7")
    stage.vault.refusals += [503] * 10
    result = stage.run("true", secrets=secret(stage))
    reason, message = outcome(result)
    assert reason is Reason.RUNNER_FAULT
    assert message.startswith("$.properties.secrets[0].valueSecretReference: https://127.0.0.1")
    assert "the vault answered 503" in message
    assert result.node_fault == ""


def test_what_the_runner_says_holds_no_secret_and_what_the_job_says_is_its_own(stage: Stage) -> None:
    stage.vault.put("token", "swordfish-7")
    result = stage.run("echo my $TOKEN; : swordfish-7 c3dvcmRmaXNoLTc=", secrets=secret(stage))
    assert outcome(result)[0] is Reason.SUCCEEDED
    assert stage.log() == "my swordfish-7\n"
    assert "starts: echo my $TOKEN; : *** ***" in stage.log("execution.log")
    assert "swordfish" not in stage.log("execution.log")


def test_an_error_that_repeats_a_secret_is_reported_without_it(stage: Stage) -> None:
    inline = [{"name": "TOKEN", "value": "swordfish-7"}]
    # No folder can be made in /proc.
    outputs = [{"id": "OUT", "pathPrefix": "/proc/swordfish-7"}]
    result = stage.run("true", secrets=inline, outputDirectories=outputs)
    assert "/proc/***" in outcome(result)[1]
    assert "swordfish" not in repr(result)
    assert "/proc/***" in stage.log("execution.log")


@pytest.fixture
def agent(stage: Stage) -> Iterator[Agent]:
    theirs = World(stage.world.settings)
    made = agents.agent(theirs.backend, stage.config)
    yield made
    theirs.backend.close()


def test_a_busy_vault_costs_an_attempt_and_the_next_one_succeeds(stage: Stage, agent: Agent) -> None:
    stage.vault.put("token", "swordfish-7")
    stage.vault.refusals += [429] * 4
    stage.world.accept("job", stage.document(SAYS, secrets=secret(stage)))
    with running(agent):
        job = eventually(lambda: (found := stage.world.job()).state is State.SUCCEEDED and found, 40)
    assert job.attempt == 2
    seen = [event.detail for event in job.events if event.detail.startswith("RunnerFault")]
    assert len(seen) == 1 and "the vault answered 429 Throttled" in seen[0]


def test_the_clusters_own_secrets(stage: Stage, agent: Agent, caplog: pytest.LogCaptureFixture) -> None:
    stage.vault.put("key", stage.shares.server.key)
    stage.vault.put("setup", "correct horse")
    share = stage.shares.volume("logs", "shared")
    share["credentials"] = {"accountKeySecretReference": stage.vault.reference("key")}
    command = 'test "$WORD" = "correct horse" && echo found > $AZ_BATCHAI_MOUNT_ROOT/shared/reported.txt'
    task = {
        "commandLine": command,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/shared",
        "secrets": [{"name": "WORD", "valueSecretReference": stage.vault.reference("setup")}],
    }
    insights = {
        "component": {"id": "/c"},
        "instrumentationKeySecretReference": stage.vault.reference("nobody-uses-it"),
    }
    setup = {
        "setupTask": task,
        "mountVolumes": {"azureFileShares": [share]},
        "performanceCountersSettings": {"appInsightsReference": insights},
    }
    stage.vault.refusals += [503] * 4
    stage.vault.forbidden["setup"] = "ForbiddenByRbac"
    cluster: dict[str, Any] = {"properties": CLUSTER["properties"] | {"nodeSetup": setup}}
    stage.world.create_cluster(cluster)
    with caplog.at_level(logging.WARNING), running(agent):

        def node() -> Any:
            return next(iter(stage.world.backend.clusters.node_views(stage.world.cluster)), None)

        # While the vault is away or refuses, the node says why it takes no job
        eventually(lambda: (found := node()) and "the vault answered 503" in found.detail, 30)
        unusable = eventually(lambda: (found := node()) and found.state == "unusable" and found, 30)
        assert unusable.detail.startswith(
            "$.properties.nodeSetup.setupTask.secrets[0].valueSecretReference: vault "
        )
        # and once it does not, all succeeds
        stage.vault.forbidden.clear()
        eventually(lambda: (stage.logs / "reported.txt").exists(), 30)
        eventually(lambda: (found := node()) and found.state == "idle", 30)
    assert not [path for path in stage.vault.requests if "nobody-uses-it" in path]
    assert "correct horse" not in caplog.text
