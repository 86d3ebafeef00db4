"""One look at the pools: what was kept of them, and, once somebody needs it, what the cloud lists now."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.errors import BatchAIError, SettingsError
from shared.names.ids import ClusterId, cluster_from_text
from shared.scaling.pools import Pool, Pools
from shared.settings import Settings
from shared.stores.cluster_table import ClusterRow
from shared.stores.scaling_table import Kept, ScalingRow


class PoolLook:
    """Of one sweep, or of one cluster between two. The cloud is asked once at most, and a refusal is kept."""

    def __init__(self, settings: Settings, pools: Pools, kept: Kept, now: datetime) -> None:
        self.now = now  #: by the storage service's clock
        self.rows = dict(kept.rows)
        self.looked = False  #: whether the cloud was asked
        self._settings = settings
        self._pools = pools
        self._last = kept.looked
        self._found: Sequence[Pool] = ()
        self._error: BatchAIError | None = None

    def row(self, cluster: ClusterId) -> ScalingRow | None:
        """What was kept of a cluster."""
        return self.rows.get(str(cluster).lower())

    def is_known(self, row: ClusterRow) -> bool:
        """Whether what was kept says enough of a cluster: it is not old, and the cluster older than it."""
        if self.looked or self._last is None:
            return False
        fresh = self.now - self._last < timedelta(seconds=self._settings.pool_look_seconds)
        return fresh and (self.row(row.id) is not None or row.created < self._last)

    def pool_of(self, row: ClusterRow, spot: bool, size: str) -> Pool | None:
        """The pool of a cluster as the cloud lists it; of several, that of its priority, of its VM size, the
        first by name. Raises what the cloud answered."""
        ours = [pool for pool in self._list() if self._is_of(pool, row.id)]
        ours.sort(key=lambda pool: (pool.spot != spot, pool.size.lower() != size.lower(), pool.name))
        return ours[0] if ours else None

    def _list(self) -> Sequence[Pool]:
        if self._error:
            raise self._error
        if not self.looked:
            try:
                self._found = self._pools.look()
            except BatchAIError as error:
                self._error = error
                raise
            self.looked = True
        return self._found

    def _is_of(self, pool: Pool, cluster: ClusterId) -> bool:
        settings = self._settings
        try:
            named = cluster_from_text(pool.cluster, settings.default_workspace, settings.scope)
        except (ValueError, SettingsError):
            return False
        return str(named).lower() == str(cluster).lower()
