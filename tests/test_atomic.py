"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scriptbridge import atomic


def test_a_file_takes_the_place_of_another_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic.replacing(path) as file:
        file.write(b"new")
        file.seek(0)
        assert file.read() == b"new" and path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_what_is_raised_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), atomic.replacing(path) as file:
        file.write(b"half")
        raise KeyError

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), atomic.replacing(path) as file:
        file.write(b"half")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_meet_and_names_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / ("ν" * 127)  # 254 bytes
    with atomic.replacing(path) as one, atomic.replacing(path) as other:
        one.write(b"1")
        other.write(b"22")
    assert path.read_bytes() == b"1" and list(tmp_path.iterdir()) == [path]
