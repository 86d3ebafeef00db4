"""Shares and the service, through the SDK."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.fileshare import AccessPolicy, ShareClient, ShareServiceClient

from tests.support.refusals import error_code


def test_a_share_is_a_directory(service: ShareServiceClient, emulator_root: Path) -> None:
    share = service.create_share("plain-directory", metadata={"owner": "ml"}, quota=7)
    assert (emulator_root / "plain-directory").is_dir()
    properties = share.get_share_properties()
    assert properties.metadata == {"owner": "ml"}
    assert properties.quota == 7
    share.delete_share()
    assert not (emulator_root / "plain-directory").exists()
    with pytest.raises(ResourceNotFoundError) as refused:
        share.get_share_properties()
    assert error_code(refused.value) == "ShareNotFound"


def test_a_directory_made_by_hand_is_a_share(service: ShareServiceClient, emulator_root: Path) -> None:
    (emulator_root / "made-by-hand").mkdir()
    (emulator_root / "made-by-hand" / "a.txt").write_text("hello")
    assert "made-by-hand" in [share.name for share in service.list_shares()]
    client = service.get_share_client("made-by-hand").get_file_client("a.txt")
    assert client.download_file().readall() == b"hello"


def test_a_share_may_be_a_link_to_another_directory(
    service: ShareServiceClient, emulator_root: Path, tmp_path: Path
) -> None:
    """Where the operator puts it; only the link is removed when the share is deleted."""
    (emulator_root / "linked").symlink_to(tmp_path)
    share = service.get_share_client("linked")
    share.get_file_client("f").upload_file(b"x")
    share.get_file_client("g").start_copy_from_url(share.get_file_client("f").url)
    assert [item.name for item in share.list_directories_and_files()] == ["f", "g"]
    share.delete_share()
    assert "linked" not in [found.name for found in service.list_shares()]
    assert (tmp_path / "g").read_bytes() == b"x"


def test_creating_twice_is_refused(share: ShareClient) -> None:
    with pytest.raises(ResourceExistsError) as refused:
        share.create_share()
    assert error_code(refused.value) == "ShareAlreadyExists"


@pytest.mark.parametrize("name", ["ab", "Upper", "two--hyphens", "-first", ".meta"])
def test_bad_share_names_are_refused(service: ShareServiceClient, name: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        service.create_share(name)
    assert error_code(refused.value) == "InvalidResourceName"


def test_listing_shares_pages_and_filters(service: ShareServiceClient) -> None:
    for number in range(5):
        service.create_share(f"paged-{number}", metadata={"n": str(number)})
    pages = [
        [share.name for share in page]
        for page in service.list_shares(name_starts_with="paged-", results_per_page=2).by_page()
    ]
    assert pages == [["paged-0", "paged-1"], ["paged-2", "paged-3"], ["paged-4"]]
    found = list(service.list_shares(name_starts_with="paged-", include_metadata=True))
    assert [share.metadata for share in found] == [{"n": str(number)} for number in range(5)]


def test_properties_metadata_and_statistics(share: ShareClient) -> None:
    share.set_share_quota(9)
    share.set_share_metadata({"a": "1", "b_2": "two words"})
    properties = share.get_share_properties()
    assert (properties.quota, properties.metadata) == (9, {"a": "1", "b_2": "two words"})
    share.get_file_client("f").upload_file(b"x" * 1234)
    assert share.get_share_stats() == 1234


def test_the_etag_of_a_share_changes_with_its_metadata(share: ShareClient) -> None:
    before = share.get_share_properties().etag
    share.set_share_metadata({"a": "1"})
    assert share.get_share_properties().etag != before


def test_stored_access_policies(share: ShareClient) -> None:
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    share.set_share_access_policy({"readers": AccessPolicy(permission="r", expiry=expiry)})
    found = share.get_share_access_policy()["signed_identifiers"]
    assert [(item.id, item.access_policy.permission) for item in found] == [("readers", "r")]


def test_permissions_are_kept_and_found_by_key(share: ShareClient) -> None:
    permission = "O:SYG:SYD:(A;;FA;;;SY)"
    key = share.create_permission_for_share(permission)
    assert key is not None
    assert share.get_permission_for_share(key) == permission
    file = share.get_file_client("f")
    file.create_file(1, permission_key=key)
    assert file.get_file_properties().permission_key == key
    inherited = share.get_directory_client("d")
    inherited.create_directory()
    assert share.get_permission_for_share(inherited.get_directory_properties().permission_key)


def test_leases_of_a_share(share: ShareClient) -> None:
    lease = share.acquire_lease(lease_duration=15)
    lease.renew()
    with pytest.raises(HttpResponseError) as refused:
        share.delete_share()
    assert (refused.value.status_code, error_code(refused.value)) == (412, "LeaseIdMissing")
    with pytest.raises(ResourceExistsError) as taken:
        share.acquire_lease(lease_duration=15)
    assert error_code(taken.value) == "LeaseAlreadyPresent"
    assert lease.break_lease(lease_break_period=0) == 0
    share.delete_share()


def test_service_properties(service: ShareServiceClient) -> None:
    assert service.get_service_properties()["hour_metrics"].enabled is False
    service.set_service_properties(cors=[])
    assert service.get_service_properties()["cors"] == []


def test_what_is_missing_says_so_at_once(share: ShareClient) -> None:
    with pytest.raises(HttpResponseError) as refused:
        share.create_snapshot()
    assert refused.value.status_code == 501
    assert "snapshots" in str(refused.value)
