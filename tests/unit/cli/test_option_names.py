"""Refusals of the service name the option that mends them."""

import pytest

from cli.option_names import options_for

FILE_SERVER = ("--disk-count", "--disk-size", "--storage-sku", "--vm-size")


@pytest.mark.parametrize(
    ("message", "reported"),
    [
        (
            "The file server cannot be made: properties.dataDisks.storageAccountType is missing.",
            "storageAccountType is given with --storage-sku",
        ),
        (
            "properties.dataDisks is missing",
            "dataDisks is given with --disk-count, --disk-size, --storage-sku",
        ),
        ("$.properties.vmSize must be text.", "vmSize is given with --vm-size"),
        ("$.properties.scaleSettings.manual.targetNodeCount is -1", ""),
        ("The specified cluster c1 is not found", ""),
        ("vmSizes of dataDisks.other", ""),
    ],
)
def test_a_member_is_named_by_the_option_that_gives_it(message: str, reported: str) -> None:
    assert options_for(message, FILE_SERVER) == reported
