"""runner.machine.gpu_share: whose GPUs are whose, and what CUDA_VISIBLE_DEVICES becomes."""

import pytest

from runner.machine.gpu_share import Gpu, GpuShare, chosen
from tests.support.cases import cases

MACHINE = tuple(Gpu(index, f"GPU-{letter}{letter}") for index, letter in enumerate("abcd"))


def test_a_choice_is_by_index_or_uuid_in_the_order_given() -> None:
    share = chosen(("3", "GPU-bb"), MACHINE)
    assert (share.count, share.is_part) == (2, True)
    assert share.device_ids == ("GPU-dd", "GPU-bb")
    assert chosen(("0", "GPU-aa"), MACHINE).count == 1
    assert chosen(None, MACHINE) == GpuShare(MACHINE, 4)
    assert chosen((), MACHINE).is_part


def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"has no GPU 4, GPU-x; it has 0 \(GPU-aa\), 1"):
        chosen(("4", "1", "GPU-x"), MACHINE)
    with pytest.raises(ValueError, match="has no GPU 0; it has none"):
        chosen(("0",), ())


@cases(
    ("wanted", "seen"),
    [
        (None, "2,3"),
        ("0", "2"),
        ("1,0", "3,2"),
        ("-1", "-1"),
        ("", "-1"),
        ("0,2,1", "2"),  # CUDA stops at the first that is not there
        ("2", "-1"),
        ("GPU-dd", "3"),
        ("GPU-aa", "-1"),  # another runner's
        ("GPU-", "-1"),  # two begin so
    ],
)
def test_what_a_process_wants_to_see_counts_within_the_runners_own(wanted: str | None, seen: str) -> None:
    share = chosen(("2", "3"), MACHINE)
    environment = {} if wanted is None else {"CUDA_VISIBLE_DEVICES": wanted}
    assert share.visible(environment) == {"CUDA_VISIBLE_DEVICES": seen, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def test_a_runner_that_has_the_whole_machine_changes_nothing() -> None:
    assert chosen(None, MACHINE).visible({"CUDA_VISIBLE_DEVICES": "1"}) == {}
    assert chosen(None, ()).visible({}) == {}


def test_a_runner_without_gpus_on_a_machine_with_some_shows_none() -> None:
    assert chosen((), MACHINE).visible({})["CUDA_VISIBLE_DEVICES"] == "-1"
