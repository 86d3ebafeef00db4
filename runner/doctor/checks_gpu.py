"""GPUs and the version of their driver, as NVML says them."""

from dataclasses import dataclass
from pathlib import Path

import pynvml

from runner.doctor.check import Check, failed, not_checked, ok
from runner.machine.gpu_share import Gpu, chosen
from runner.machine.nvml import inventory

_NAME = "gpus"
_PCI = Path("/sys/bus/pci/devices")
_NVIDIA, _DISPLAY_CLASS = "0x10de", "0x03"  # vendor; class of display and 3D controllers (PCI ID database)
_INSTALL = "sudo ubuntu-drivers install --gpgpu && sudo reboot"


@dataclass(frozen=True)
class Seen:
    """What the machine says: models, driver and complaint by NVML; `cards`: of NVIDIA, on the PCI bus."""

    models: tuple[str, ...] = ()  #: in the order of `devices`
    driver: str = ""
    cards: int = 0
    complaint: str = ""
    devices: tuple[Gpu, ...] = ()


def gpus(given: tuple[str, ...] | None) -> list[Check]:
    """`given`: the GPUs in the runner's settings, None for all."""
    return [verdict(look(), given)]


def look() -> Seen:
    """Ask NVML and the PCI bus. Raises nothing of NVML's."""
    cards = _cards()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Seen(cards=cards, complaint=str(error))
    try:
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        models = tuple(str(pynvml.nvmlDeviceGetName(handle)) for handle in handles)
        return Seen(models, str(pynvml.nvmlSystemGetDriverVersion()), cards, devices=inventory())
    except pynvml.NVMLError as error:
        return Seen(cards=cards, complaint=str(error))
    finally:
        pynvml.nvmlShutdown()


def verdict(seen: Seen, given: tuple[str, ...] | None) -> Check:
    """What that means for jobs."""
    if not seen.driver:
        if seen.cards or given:
            named = f"GPU {', '.join(given or ())} in the settings"
            why = f"{seen.cards} NVIDIA cards on the bus" if seen.cards else named
            return failed(_NAME, f"{why}, but the driver does not answer: {seen.complaint}", _INSTALL)
        return not_checked(_NAME, f"no NVIDIA GPU here ({seen.complaint}): jobs run on the CPU")
    kinds = ", ".join(f"{seen.models.count(model)} x {model}" for model in dict.fromkeys(seen.models))
    words = f"{kinds or 'none'}, driver {seen.driver}"
    try:
        share = chosen(given, seen.devices)
    except ValueError as error:
        return failed(_NAME, f"{words}; {error}", "unset BATCHAI_GPUS")
    return ok(_NAME, f"{words}; the runner has {share.count} of them" if share.is_part else words)


def _cards() -> int:
    return sum(_text(card / "vendor") == _NVIDIA for card in _display_cards())


def _display_cards() -> list[Path]:
    if not _PCI.is_dir():
        return []
    return [card for card in _PCI.iterdir() if _text(card / "class").startswith(_DISPLAY_CLASS)]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
