"""An encoder with adapted queries, its file, and the recipe that trains it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scriptbridge import encoders
from scriptbridge.encoders import adapter
from scriptbridge.errors import EncoderError

TEXTS = ["abc", "cab", "b"]

MODULE = '''
"""An encoder behind an API, which counts letters, each for itself."""
import numpy as np

GREEK, LATIN = "αβγδεζηθικλμ", "abcdefghijkl"
asked = []

def vectors(texts):
    asked.append(list(texts))
    return np.array([[0.1 + text.count(each) for each in GREEK + LATIN] for text in texts])

class Encoder:
    def encode_queries(self, texts):
        return vectors(texts)
    encode_documents = encode_queries

encoder = Encoder()
'''


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The spec of the encoder in `MODULE`."""
    (tmp_path / "counting.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "counting", raising=False)
    return "counting:encoder"


# ---- the encoder


def saved(
    folder: Path, spec: str, dimension: int = 24, rank: int = 2, latin_only: bool = True
) -> tuple[str, list[Any]]:
    """The spec of an adapter of random weights, and these."""
    rng = np.random.default_rng(0)
    shapes = ((rank, dimension), (dimension, rank), (dimension,))
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    adapter.save(folder / "e.adapter", spec, *weights, latin_only=latin_only)
    return f"adapter:{folder / 'e.adapter'}", weights


def test_queries_are_adapted_and_documents_are_not(tmp_path: Path, api: str) -> None:
    spec, (down, up, bias) = saved(tmp_path, api)
    encoder, plain = encoders.dense(spec), encoders.dense(api)
    assert (encoder.name, encoder.dimension) == (spec, 24)
    queries = plain.encode_queries(TEXTS)
    expected = np.array([query + up @ (down @ query) + bias for query in queries.astype(float)])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = encoder.encode_queries(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode_documents(TEXTS), plain.encode_documents(TEXTS))
    assert encoder.encode_queries([]).shape == (0, 24)


def test_queries_in_other_letters_stay_unless_the_file_says_so(tmp_path: Path, api: str) -> None:
    texts = ["abc 1984", "αβγ", "abc γ", "1984", ""]
    plain = encoders.dense(api).encode_queries(texts)
    for latin_only, changed in ((True, [True] + [False] * 4), (False, [True] * 5)):
        found = encoders.dense(saved(tmp_path, api, latin_only=latin_only)[0]).encode_queries(texts)
        assert (np.abs(found - plain).max(axis=1) > 1e-3).tolist() == changed


def test_adapters_that_cannot_be_used(tmp_path: Path, api: str) -> None:
    spec, _ = saved(tmp_path, api, dimension=5)
    encoder = encoders.dense(spec)
    for encode in (encoder.encode_queries, encoder.encode_documents):
        with pytest.raises(EncoderError, match="gives vectors of dimension 24; it was trained on 5"):
            encode(TEXTS)
    spec, _ = saved(tmp_path, "st:")
    with pytest.raises(EncoderError, match="unknown; accepted are"):
        encoders.dense(spec)
    spec, _ = saved(tmp_path, spec)
    with pytest.raises(EncoderError, match="names no encoder that can be adapted"):
        encoders.dense(spec)
    adapter.save(tmp_path / "e.adapter", api, *(np.ones(shape, "f4") for shape in ((2, 5), (5, 3), 5)))
    with pytest.raises(EncoderError, match="do not fit together"):
        encoders.dense(spec)
    (tmp_path / "e.adapter").write_bytes((tmp_path / "e.adapter").read_bytes()[:-1])
    with pytest.raises(EncoderError, match="damaged"):
        encoders.dense(spec)


# ---- the recipe

LATIN = str.maketrans("αβγδεζηθικλμ", "abcdefghijkl")


def corpus(count: int, seed: int = 0, documents: bool = True) -> Any:
    """Queries of some letters, native and Latin; each finds the document that is the native one."""
    pytest.importorskip("torch", reason="needs scriptbridge[train]")
    from scriptbridge.train.data import Examples, Query

    rng = np.random.default_rng(seed)
    native = ["".join(rng.choice(list("αβγδεζηθικλμ"), 6)) for _ in range(count)]
    return Examples(
        {f"d{at}": each for at, each in enumerate(native)} if documents else {},
        tuple(
            Query(f"q{at}", each, (each.translate(LATIN),), (f"d{at}",) if documents else ())
            for at, each in enumerate(native)
        ),
    )


def settings(encoder: str, **changed: Any) -> Any:
    from scriptbridge.train import adapter as recipe
    from scriptbridge.train.trainer import Settings

    return Settings("adapter", encoder, **{"threads": 1, **recipe.SETTINGS, "steps": 200, **changed})


def options(**changed: Any) -> Any:
    from scriptbridge.train.adapter import Adapter

    return Adapter(**{"latin_per_batch": 48, "rank": 12, **changed})


def found_first(encoder: Any, examples: Any) -> tuple[float, float]:
    """The share of native and of Latin queries whose document comes first."""
    documents = encoder.encode_documents(list(examples.documents.values()))
    sides = [query.native for query in examples.queries], [query.latin[0] for query in examples.queries]
    native, latin = (
        float(((encoder.encode_queries(side) @ documents.T).argmax(axis=1) == np.arange(len(side))).mean())
        for side in sides
    )
    return native, latin


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"rank": None, "bias": False, "native_per_batch": 16},
        {"document_weight": 1.0, "cosine_weight": 0.0, "mse_weight": 0.0, "info_nce_weight": 0.0},
    ],
)
def test_latin_queries_find_more_and_native_ones_no_less(
    tmp_path: Path, api: str, changed: dict[str, Any]
) -> None:
    train, dev, test = corpus(300), corpus(40, 1), corpus(60, 2)
    from scriptbridge.train import adapter as recipe

    metrics = recipe.train(
        train,
        settings(api, learning_rate=1e-2, evaluate_every=100),
        options(**changed),
        tmp_path / "out",
        dev=dev,
        cache=tmp_path / "cache",
    )
    assert metrics.best is not None
    before = found_first(encoders.dense(api), test)
    after = found_first(encoders.dense(f"adapter:{tmp_path / 'out' / recipe.FILE}"), test)
    assert after[1] > before[1] + 0.5
    assert after[0] >= before[0] - (0.1 if changed.get("native_per_batch") else 0)
    assert (tmp_path / "out" / "README.md").exists()


def test_every_text_is_asked_for_once(tmp_path: Path, api: str) -> None:
    examples = corpus(50)
    from scriptbridge.train import adapter as recipe

    for out in ("one", "two"):
        recipe.train(
            examples,
            settings(api, steps=20),
            options(),
            tmp_path / out,
            dev=examples,
            cache=tmp_path / "cache",
        )
    import counting  # type: ignore[import-not-found]

    asked = [text for texts in counting.asked for text in texts]
    # Native queries, Latin ones and documents, and each once more for dev unless they are the same list.
    assert len(asked) <= 3 * 50


def test_it_begins_as_no_change_and_stays_so_where_that_is_best(tmp_path: Path, api: str) -> None:
    dev = corpus(40, 1)
    from scriptbridge.train import adapter as recipe
    from scriptbridge.train.data import Examples, Query

    wrong = Examples(  # Latin that means something else
        {}, tuple(Query(f"w{at}", "αβ" + "μ" * at, ("cd" + "e" * at,)) for at in range(20))
    )
    recipe.train(
        wrong,
        settings(api, learning_rate=0.1, evaluate_every=50),
        options(info_nce_weight=1.0, native_per_batch=1),
        tmp_path / "out",
        dev=dev,
        cache=tmp_path / "cache",
    )
    encoder, plain = encoders.dense(f"adapter:{tmp_path / 'out' / recipe.FILE}"), encoders.dense(api)
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), plain.encode_queries(TEXTS), atol=1e-6)
    fresh = recipe.Residual(24, options(), seed=0)
    vectors = plain.encode_queries(TEXTS)
    np.testing.assert_allclose(fresh.vectors(vectors).detach().numpy(), vectors, atol=1e-6)


def test_a_run_that_was_killed_ends_as_if_it_had_not_been(tmp_path: Path, api: str) -> None:
    examples = corpus(60)
    from scriptbridge.train import adapter as recipe

    told = settings(api, steps=12, checkpoint_every=5)

    def train(out: str, progress: Callable[[int, int, float], None] | None = None) -> bytes:
        recipe.train(examples, told, options(), tmp_path / out, cache=tmp_path / "cache", progress=progress)
        return (tmp_path / out / recipe.FILE).read_bytes()

    def stop(step: int, steps: int, loss: float) -> None:
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("killed", stop)
    assert train("killed") == train("whole")


def test_what_cannot_be_trained_with(tmp_path: Path, api: str) -> None:
    examples = corpus(5, documents=False)
    from scriptbridge.errors import TrainingError
    from scriptbridge.train import adapter as recipe

    for wrong, message in (
        ({"rank": 0}, "rank 0 came"),
        ({"document_weight": -1.0}, "document_weight -1.0 came"),
        ({"document_weight": float("nan")}, "document_weight nan came"),
        ({"cosine_weight": 0.0, "mse_weight": 0.0, "info_nce_weight": 0.0}, "all weights are 0"),
    ):
        with pytest.raises(TrainingError, match=message):
            options(**wrong)
    with pytest.raises(TrainingError, match="no query has a positive document"):
        recipe.train(
            examples,
            settings(api),
            options(document_weight=1.0),
            tmp_path / "out",
            cache=tmp_path / "cache",
        )
    assert not (tmp_path / "out").exists()
