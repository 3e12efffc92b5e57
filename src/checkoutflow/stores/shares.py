"""Whether a file is on a network share, where a database is damaged sooner or later.

SQLite's log needs memory that all processes share, and locks that hold; no share gives them to two
machines. It is seen on Linux, by the kernel's table of mounts. Elsewhere it is not: on macOS and
Windows nobody says no.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from checkoutflow.errors import StoreError

_MOUNTS: Final = Path("/proc/self/mountinfo")
_SHARES: Final = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.sshfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb2",
        "smb3",
        "smbfs",
    }
)


def refuse_share(file: Path, mounts: Path = _MOUNTS) -> None:
    """See that a database's file is not on a network share, as far as that can be seen.

    Raises:
        StoreError: If it is.
    """
    try:
        table = mounts.read_text("utf-8", "surrogateescape")
    except OSError:
        return
    kind = _kind(file.resolve(), table)
    if kind in _SHARES:
        raise StoreError(
            f"{file} is on a network share ({kind}), where SQLite damages its files; put it on a"
            " local disk, or use PostgreSQL"
        )


def _kind(file: Path, table: str) -> str:
    """The kind of file system that a file is on; of several mounts on a place, the last one."""
    best, found = -1, ""
    for line in table.splitlines():
        place, _, rest = line.partition(" - ")
        words = place.split(" ")
        if len(words) < 5 or not rest:  # noqa: PLR2004 -- the fifth is where it is mounted
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), words[4]))
        if file.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), rest.split(" ")[0]
    return found
