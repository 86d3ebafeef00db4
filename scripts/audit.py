"""Ask PyPI which pinned packages have known advisories (pip-audit), and say it when nobody answered.

Exit code 1 where an advisory was found and `CI` is set; 0 otherwise: a laptop may be offline, and an advisory
that was published over night is reported and stops nobody's work. docs/adr/0052-audit.md
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_SECONDS = 40


def audit() -> str:
    """pip-audit's report in JSON, or "" where it could not make one."""
    command = [
        str(Path(sys.executable).parent / "pip-audit"),
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    command += ["--no-deps", "--disable-pip", "--timeout", "5", "-r", str(_ROOT / "constraints.txt")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def verdict(report: str, in_ci: bool) -> tuple[int, str]:
    """(exit code, words) for a report of pip-audit."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return 0, "audit: NOT DONE, the advisory service of PyPI cannot be reached from here"
    lines = [f"audit: {len(audited)} of {len(packages)} pinned packages asked about"]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        lines.append(f"audit: no answer for {', '.join(unknown)}")
    found = [(package, advisory) for package in audited for advisory in package["vulns"]]
    for package, advisory in found:
        remedy = ", ".join(advisory["fix_versions"]) or "none yet"
        lines.append(f"audit: {package['name']} {package['version']}: {advisory['id']}, mended in: {remedy}")
    return int(bool(found) and in_ci), "\n".join(lines)


def main() -> int:
    """Audit and report."""
    code, words = verdict(audit(), bool(os.environ.get("CI")))
    print(words)
    return code


if __name__ == "__main__":
    sys.exit(main())
