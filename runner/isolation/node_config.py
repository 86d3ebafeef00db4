"""A runner's settings together with what its machine offers for keeping jobs apart."""

from dataclasses import dataclass, field, fields

from runner.config import RunnerConfig
from runner.isolation.isolation import Isolation


@dataclass(frozen=True)
class NodeConfig(RunnerConfig):
    """What the attempts on this node are given. `RunnerConfig` says what was asked for, `isolation` what
    `runner.isolation.setup` found to be possible."""

    isolation: Isolation = field(default_factory=Isolation)

    @classmethod
    def of(cls, config: RunnerConfig, isolation: Isolation) -> "NodeConfig":
        """The settings with this isolation in the place of any other."""
        values = {each.name: getattr(config, each.name) for each in fields(RunnerConfig)}
        return cls(**values, isolation=isolation)
