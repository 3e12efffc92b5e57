"""The file that holds the shop's vault keys: readable by its owner only, and always whole.

```text
checkoutflow vault keys 1
# Keep a copy away from the database. ...
8d3f0a5be1c24f77 <32 bytes as base64>
```

After the header each line is one key: its id and the key. The first is the current one; older keys
below it go on opening what they once wrapped. The id follows from the key, so that a damaged line
is noticed before anything is written under it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from base64 import b64decode, b64encode
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import VaultError
from checkoutflow.privacy.vault import KEY_BYTES, Keys, key_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from checkoutflow.stores.contract import Store

HEADER: Final = "checkoutflow vault keys 1"
_ADVICE: Final = (
    "# Keep a copy away from the database. Without this key its personal data cannot be read."
)
_MOST_BYTES: Final = 64 * 1024
_MOST_PEOPLE: Final = 1000
# Elsewhere a file's mode says nothing about who may read it, and a directory cannot be synced.
_POSIX: Final = os.name == "posix"


def load_or_create_keys(
    path: str | os.PathLike[str],
    random: Callable[[int], bytes],
    *,
    is_awaited: Callable[[], bool] = lambda: False,
) -> Keys:
    """Read the shop's vault keys from their file; make the file, with a new key, if there is none.

    Two processes that start together get the same key: the file appears whole, and only once.
    Where files have no POSIX modes, the folder has to keep others out. When `add_key` has added
    one, the keys find it by themselves.

    Args:
        path: Where the file is or will be. Its folder must exist.
        random: Gives as many random bytes as it is asked for, as ``os.urandom`` does.
        is_awaited: Whether something is sealed already that only the lost file opens; asked before
            a file is made.

    Raises:
        VaultError: If others may read the file, if it is damaged, or if it cannot be read or
            made, or must not be made; the text says what to do.
    """
    path = Path(path)
    try:
        if not path.exists():
            # Another process may have made it, and written, since we looked.
            if is_awaited() and not path.exists():
                message = (
                    f"the key file {path} is missing, and the database holds people who were sealed"
                    " with the key in it: copy that file there from your backup of it (a database"
                    " that was restored or renamed needs the key file of the old one under this"
                    " name), or hand the keys over with keys=Keys.of(...)"
                )
                raise VaultError(message)
            with suppress(FileExistsError):
                _write(path, [random(KEY_BYTES)], os.link)
    except OSError as error:
        raise _unusable(path, error) from error
    return load_keys(path)


def missing_key(keys: Keys, store: Store) -> str | None:
    """The id of a key that somebody in a store is under and that is none of these.

    Of those who are not under the current key, the first thousand are looked at.

    Returns:
        None if there is none.
    """
    people = store.keys_to_rewrap(keys.current, after="", limit=_MOST_PEOPLE)
    return next((it.key_id for it in people if it.key_id not in keys.older), None)


def load_keys(path: str | os.PathLike[str]) -> Keys:
    """Read the shop's vault keys from their file, which must be there.

    Raises:
        VaultError: As `load_or_create_keys`.
    """
    return Keys.from_source(partial(_read, Path(path)))


def add_key(path: str | os.PathLike[str], random: Callable[[int], bytes]) -> str:
    """Put a new key before the others of a file: new persons are wrapped under it from then on.

    The file is replaced as a whole; whoever reads it meanwhile reads what was there before, or all
    of the new one. Let one process at a time do this.

    Args:
        path: Where the file is.
        random: Gives as many random bytes as it is asked for, as ``os.urandom`` does.

    Returns:
        The id of the new key.

    Raises:
        VaultError: As `load_or_create_keys`; the file is as it was then.
    """
    path = Path(path)
    new = random(KEY_BYTES)
    secrets = [new, *_read(path)]
    try:
        _write(path, secrets, os.replace)
    except OSError as error:
        raise _unusable(path, error) from error
    return key_id(new)


def _unusable(path: Path, error: OSError) -> VaultError:
    return VaultError(f"the key file {path} cannot be read or made: {error.strerror}")


def _read(path: Path) -> list[bytes]:
    try:
        return _load(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _load(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        if _POSIX and os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = (
                f"others than its owner may use the key file {path}: run chmod 600 on it, and if "
                "somebody may have read it, change the key"
            )
            raise VaultError(message)
        content = file.read(_MOST_BYTES)
    try:
        header, *lines = content.decode("ascii").splitlines()
        pairs = [line.split() for line in lines if line and not line.startswith("#")]
        keys = {name: b64decode(encoded, validate=True) for name, encoded in pairs}
    except ValueError:  # no text, no lines, no pair or no base64
        header, keys = "", {}
    sound = all(len(key) == KEY_BYTES and name == key_id(key) for name, key in keys.items())
    if header != HEADER or not keys or not sound:
        message = f"the key file {path} is damaged or is not a key file; restore it from your copy"
        raise VaultError(message)
    return list(keys.values())


def _write(path: Path, secrets: Iterable[bytes], put: Callable[[str, Path], None]) -> None:
    lines = [f"{key_id(secret)} {b64encode(secret).decode('ascii')}" for secret in secrets]
    text = "\n".join([HEADER, _ADVICE, *lines, ""])
    # mkstemp opens with O_CREAT, O_EXCL and mode 0600. To link or to replace is what makes the file
    # appear, all of it or nothing. A link fails if another process was first: then theirs is the
    # one to read.
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        put(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)
    if _POSIX:  # a key that is lost with the power takes with it what was sealed under it
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
