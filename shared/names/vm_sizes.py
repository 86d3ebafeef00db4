"""Machine sizes: which family one belongs to, and how many virtual processors it has. PURE.

Names of families are those of the recorded Usages_List (2021), numbers those of Azure's documentation.
"""

import re

_SIZE = re.compile(r"(?:standard|basic)_([a-z]+)(\d+)([a-z]*)(?:_([a-z]\d+))??(?:_v(\d))?", re.IGNORECASE)
#: Of the oldest sizes the number is no count of processors. Families without a version, then with one.
_A = {0: 1, 1: 1, 2: 2, 3: 4, 4: 8, 5: 2, 6: 4, 7: 8, 8: 8, 9: 16, 10: 8, 11: 16}
_D = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}
_G = {1: 2, 2: 4, 3: 8, 4: 16, 5: 32}
_NUMBERED = {"A": _A, "D": _D, "DS": _D, "Dv2": _D, "DSv2": _D, "G": _G, "GS": _G}


def family(vm_size: str) -> str | None:
    """ "NC", "NCv2", "DSv3" of STANDARD_NC6, STANDARD_NC6s_v2, Standard_D2s_v3; None for what is no size."""
    match = _SIZE.fullmatch(vm_size)
    if match is None:
        return None
    letters, features, accelerator, version = match[1].upper(), match[3].lower(), match[4], match[5]
    # Of the N series all take premium disks; it is no part of the family's name.
    premium = "S" if "s" in features and letters[0] != "N" and letters[-1] != "S" else ""
    if accelerator:
        return f"{letters}{features}_{accelerator.upper()}" + (f"_v{version}" if version else "")
    return letters + premium + (f"v{version}" if version else "")


def processors(vm_size: str) -> int | None:
    """Virtual processors of a machine; None for what is no size."""
    match, name = _SIZE.fullmatch(vm_size), family(vm_size)
    if match is None or name is None:
        return None
    number = int(match[2])
    return _NUMBERED[name].get(number) if name in _NUMBERED else number
