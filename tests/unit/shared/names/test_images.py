"""Names of images and the registry they come from."""

import pytest

from shared.names.images import full_name, host_of, may_move, registry_of
from tests.support.cases import cases


@cases(
    ("image", "server", "name"),
    [
        ("ubuntu", "", "ubuntu"),
        ("ubuntu:22.04", "https://index.docker.io/v1/", "ubuntu:22.04"),
        ("team/x:1", "r.azurecr.io", "r.azurecr.io/team/x:1"),
        ("x", "https://r.azurecr.io/", "r.azurecr.io/x"),
        ("r.azurecr.io/x", "r.azurecr.io", "r.azurecr.io/x"),
        ("other.io/x", "r.azurecr.io", "other.io/x"),
        ("localhost/x", "r.azurecr.io", "localhost/x"),
        ("host:5000/x", "r.azurecr.io", "host:5000/x"),
    ],
)
def test_a_name_without_a_registry_is_taken_from_that_of_server_url(
    image: str, server: str, name: str
) -> None:
    assert full_name(image, server) == name


def test_hosts_and_registries() -> None:
    assert host_of("http://r.azurecr.io:443/v2/x") == "r.azurecr.io:443"
    assert host_of("docker.io") == host_of("https://registry-1.docker.io/v2/") == ""
    assert registry_of("team/x") == registry_of("x:1") == ""
    assert registry_of("a.b/x") == "a.b"


@pytest.mark.parametrize(
    ("image", "moves"),
    [
        ("ubuntu", True),
        ("host:5000/x", True),
        ("x:latest", True),
        ("x:1", False),
        ("host:5000/x:2", False),
        ("x@sha256:ab", False),
        ("x:latest@sha256:ab", False),
    ],
)
def test_which_names_are_meant_to_move(image: str, moves: bool) -> None:
    assert may_move(image) is moves
