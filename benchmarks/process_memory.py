"""The memory of this process, as the system sees it."""

from __future__ import annotations

import sys
from pathlib import Path


def memory_of(field: str) -> int:
    """VmRSS or VmHWM of this process, bytes; where there is no /proc, the largest ever for both."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> None:
    """Let VmHWM start anew; elsewhere the peak is that of the whole process."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return
