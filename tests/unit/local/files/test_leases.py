"""local.files.leases: who may write when."""

import pytest

from local.files import leases
from local.files.errors import FilesError
from local.files.leases import INFINITE, Lease

ONE, TWO = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def refused(code: str) -> pytest.RaisesExc[FilesError]:
    return pytest.raises(FilesError, match=f"^{code}:")


def test_a_lease_shuts_others_out_until_it_ends() -> None:
    lease = leases.acquire(None, ONE, 15, now=100)
    assert (lease.state(114.9), lease.state(115)) == ("leased", "expired")
    with refused("LeaseIdMissing"):
        leases.check_write(lease, "", 101)
    with refused("LeaseIdMismatchWithFileOperation"):
        leases.check_write(lease, TWO, 101)
    leases.check_write(lease, ONE.upper(), 101)
    with refused("LeaseAlreadyPresent"):
        leases.acquire(lease, TWO, 15, 101)
    assert leases.acquire(lease, ONE, 20, 101).ends == 121
    leases.check_write(lease, "", 115)
    with refused("LeaseLost"):
        leases.check_write(lease, ONE, 115)
    assert leases.acquire(lease, TWO, 15, 115).id == TWO


def test_readers_need_none() -> None:
    lease = leases.acquire(None, ONE, INFINITE, 0)
    leases.check_read(lease, "", 1)
    with refused("LeaseIdMismatchWithFileOperation"):
        leases.check_read(lease, TWO, 1)


def test_a_lease_that_was_never_there() -> None:
    leases.check_write(None, "", 0)
    with refused("LeaseNotPresentWithFileOperation"):
        leases.check_write(None, ONE, 0)
    for act in (
        lambda: leases.renew(None, ONE, 0),
        lambda: leases.release(None, ONE),
        lambda: leases.change(None, ONE, TWO, 0),
        lambda: leases.break_(None, None, 0),
    ):
        with refused("LeaseNotPresentWithLeaseOperation"):
            act()


def test_renew_change_release() -> None:
    lease = leases.acquire(None, ONE, 15, 0)
    assert leases.renew(lease, ONE, 10).ends == 25
    assert leases.renew(lease, ONE, 20).ends == 35  # expired, but nobody else has taken it
    changed = leases.change(lease, ONE, TWO, 1)
    assert (changed.id, changed.ends) == (TWO, 15)
    assert leases.change(changed, ONE, TWO, 1) == changed  # the same change again
    with refused("LeaseIdMismatchWithLeaseOperation"):
        leases.change(changed, ONE, ONE, 1)
    with refused("LeaseIdMismatchWithLeaseOperation"):
        leases.release(changed, ONE)
    leases.release(changed, TWO)


def test_break() -> None:
    infinite, short = leases.acquire(None, ONE, INFINITE, 0), leases.acquire(None, ONE, 15, 0)
    broken, left = leases.break_(infinite, None, 5)
    assert (broken.state(5), left) == ("broken", 0)
    leases.check_write(broken, "", 5)
    with refused("LeaseIsBrokenAndCannotBeRenewed"):
        leases.renew(broken, ONE, 6)
    breaking, left = leases.break_(short, 60, 5)
    assert (breaking.state(5), left) == ("breaking", 10)  # never longer than the lease
    with refused("LeaseIsBreakingAndCannotBeAcquired"):
        leases.acquire(breaking, ONE, 15, 6)
    with refused("LeaseIdMissing"):
        leases.check_write(breaking, "", 6)
    sooner, left = leases.break_(breaking, 2, 6)
    assert (left, sooner.state(8)) == (2, "broken")
    assert leases.break_(sooner, None, 9)[1] == 0


def test_lease_ids_are_guids() -> None:
    with refused("InvalidHeaderValue"):
        leases.acquire(None, "not a guid", 15, 0)
    assert leases.acquire(None, "{" + ONE + "}", 15, 0).id == ONE


def test_a_lease_survives_as_json() -> None:
    lease = Lease(ONE, 15, 20.5, 18.0)
    assert leases.from_json(lease.as_json()) == lease
    assert leases.from_json(None) is None
