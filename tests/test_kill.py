"""A writer that is killed loses nothing it had committed, and readers go on meanwhile."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scriptbridge.index import Index

WRITER = """
import sys
from scriptbridge.index import Index

path, batch = sys.argv[1], int(sys.argv[2])
cities = ("दिल्ली", "मुंबई", "जयपुर")
with Index.open(path) as index:
    count = len(index)
    while True:
        numbers = range(count, count + batch)
        index.add((f"d{number}", f"{cities[number % 3]} {number} शहर") for number in numbers)
        index.commit()
        count += batch
        print(count, flush=True)
"""
KILLS = 8
CREATOR = """
import os, signal, sys
from scriptbridge import store
from scriptbridge.index import Index

store.Manifest.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # the store is there, the manifest not
Index.create(sys.argv[1], ["hi"])
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_a_killed_create_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "index"
    killed = subprocess.run([sys.executable, "-c", CREATOR, path], check=False)
    assert killed.returncode == -9
    assert (path / "meta.json").exists()
    with Index.create(path, ["hi"], {"title": 2.0}) as index:
        index.add([("1", "दिल्ली")])
        index.commit()
        assert [id for id, _ in index.rank("dilli")] == ["1"]


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
@pytest.mark.parametrize("batch", [20, 3000])
def test_kill_9_loses_nothing_committed(tmp_path: Path, batch: int) -> None:
    path = tmp_path / "index"
    Index.create(path, ["hi"]).close()
    moments = random.Random(batch)
    committed = 0
    with Index.open(path) as reader:
        for _ in range(KILLS):
            with subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path), str(batch)], stdout=subprocess.PIPE, text=True
            ) as writer:
                assert writer.stdout is not None
                committed = int(writer.stdout.readline())
                reading_until = time.monotonic() + moments.uniform(0.0, 0.5)
                while time.monotonic() < reading_until:
                    reader.refresh()
                    assert committed <= len(reader)
                    assert len(reader.rank("शहर", 10**6)) == len(reader)
                    assert len(reader.rank("mumbai", 10**6)) == (len(reader) + 1) // 3
                writer.kill()
                committed = int([str(committed), *writer.stdout.read().split()][-1])

            reader.refresh()
            assert len(reader) in (
                committed,
                committed + batch,
            )  # killed after the commit, before it could say so
            with Index.open(path) as index:
                index.verify()
                assert {f"d{number}" for number in range(len(reader))} == {
                    id for id, _ in index.rank("शहर", 10**6)
                }
                last = (len(index) - 1) // 3 * 3
                assert index.search(f"dilli {last}")[0].id == f"d{last}"
