"""Encoders: what each kind gives, and what is said of one that cannot be used. Models are tiny_models'."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import encoders, extras
from scriptbridge.encoders import SparseRows, adapter, identity, openai, rows, sentence, specs
from scriptbridge.errors import EncoderError, MissingExtraError

TEXTS = ["γεια σου κόσμε", "a", "", "मेरा नाम", "سلام به شما که می‌خوانید", "hello there world", "a"]


# ---- specs

KINDS: list[Callable[[str], object]] = [encoders.dense, encoders.sparse, encoders.cross]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "spec", ["", "st:", "st: ", "st:?device=cpu", "bert-base", "a:b:c", "1a:b", "https://h/v1"]
)
def test_an_unknown_spec_is_told_what_is_accepted(kind: Callable[[str], object], spec: str) -> None:
    with pytest.raises(EncoderError, match="unknown; accepted are") as caught:
        kind(spec)
    assert repr(spec) in str(caught.value)
    examples = ["st:", "my_module:"] + (["openai:"] if kind is encoders.dense else [])
    assert all(each in str(caught.value) for each in examples)


def test_a_kind_named_by_its_prefix() -> None:
    assert encoders.is_dense("st:x")
    assert encoders.is_dense("openai:m@https://h/v1")
    assert not any(encoders.is_dense(each) for each in ("st", "bm25", "module:function", "http://h"))


def test_options_of_a_spec() -> None:
    accepted: dict[str, Callable[[str], object]] = {"prompt": str, "max": specs.count, "wait": specs.seconds}
    assert specs.options("st:a/b", accepted) == ("a/b", {})
    assert specs.options("st:./m?prompt=query: &max=07&wait=0.5", accepted) == (
        "./m",
        {"prompt": "query: ", "max": 7, "wait": 0.5},
    )
    assert specs.options("st:m?prompt=a%26b+c=%D9%86%20", accepted)[1] == {"prompt": "a&b+c=ن "}


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("colour=red", "unknown option 'colour'; accepted are prompt=…, max=…"),
        ("max", "unknown option 'max'"),
        ("", "unknown option ''"),
        ("max=1&max=2", "'max' is given twice"),
        ("max=0", "max: accepted are whole numbers from 1"),
        ("max=-1", "max: accepted"),
        ("max=1.5", "max: accepted"),
    ],
)
def test_options_that_cannot_be_used(tail: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        specs.options(f"st:m?prompt=q&{tail}", {"prompt": str, "max": specs.count})


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_package_a_model_names_the_command(
    kind: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'scriptbridge\[neural\]'"):
        kind("st:x")


def test_naming_encoders_imports_none_of_their_packages() -> None:
    heavy = ("torch", "sentence_transformers", "transformers", "httpx", "huggingface_hub")
    code = f"import sys, scriptbridge.encoders; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---- rows


@given(st.lists(st.text("ab", max_size=9), max_size=40), st.integers(1, 7), st.none() | st.integers(1, 20))
def test_batches_hold_every_text_once_longest_first(texts: list[str], size: int, most: int | None) -> None:
    groups = [places.tolist() for places in rows.batches(texts, size, most)]
    places = [at for group in groups for at in group]
    assert places == sorted(range(len(texts)), key=lambda at: -len(texts[at]))
    for group in groups:
        assert 1 <= len(group) <= size
        assert len(group) == 1 or most is None or sum(len(texts[at]) for at in group) <= most


class Tensor:
    """One that numpy cannot hold, as torch's say it."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise TypeError("no\n  bf16")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("factor", [1e300, 1e-300, 1e-320])
def test_rows_of_any_length_become_unit_rows(factor: float) -> None:
    vectors = np.array([[3.0, 4.0], [-4.0, 3.0]]) * factor
    np.testing.assert_allclose(rows.unit(vectors, ["a", "b"], 2, "it"), [[0.6, 0.8], [-0.8, 0.6]], atol=1e-3)


def test_unit_rows_and_their_errors() -> None:
    huge = rows.unit([[3e38, 4e38], [3e-40, 4e-40]], ["a", "b"], None, "it")
    assert huge.dtype == np.float32
    np.testing.assert_allclose(huge, [[0.6, 0.8]] * 2, atol=1e-6)
    for vectors, message in [
        ([[1.0, 2.0], [0.0, 0.0]], "it gave a vector of zeros for the text 'b'"),
        ([[1.0, float("nan")], [1.0, 0.0]], "it gave NaN or infinite numbers for the text 'a'"),
        ([[1.0, 2.0], [float("inf"), 0.0]], "infinite numbers for the text 'b'"),
        ([[1.0, 2.0]], "it gave 1 vectors for 2 texts"),
        ([[1.0], [1.0]], "of dimension 1; expected are 2"),
        ([[1.0, 2.0], [1.0]], "different lengths"),
        (Tensor(), r"gave Tensor, which numpy cannot read \(TypeError: no bf16\); .*\.detach\(\)\.float"),
        ([["1", "2"], ["3", "4"]], "accepted are numbers"),
        ([1.0, 2.0], r"shape \(2,\); accepted is \(texts, dimension\)"),
    ]:
        with pytest.raises(EncoderError, match=message):
            rows.unit(vectors, ["a", "b"], 2, "it")


def test_progress_is_for_terminals_and_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def __init__(self, live: bool) -> None:
            self.live, self.written = live, ""

        def isatty(self) -> bool:
            return self.live

        def write(self, text: str) -> None:
            self.written += text

        def flush(self) -> None:
            pass

    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def written(live: bool, seconds: float) -> str:
        nonlocal now
        screen = Terminal(live)
        monkeypatch.setattr(sys, "stderr", screen)
        progress = rows.terminal("st:m")
        for done in range(0, 2001, 500):
            progress(done, 2000)
            now += seconds
        return screen.written

    assert "st:m: 1,000 of 2,000 texts" in written(True, 1)
    assert written(True, 1).endswith("\r\x1b[K")
    assert written(True, 0.01) == ""
    assert written(False, 1) == ""


def test_texts_are_lists_of_texts() -> None:
    for wrong in ("one text", [1], [None]):
        with pytest.raises(EncoderError, match="lists of texts"):
            rows.texts_of(wrong, "it")  # type: ignore[arg-type]


# ---- sentence-transformers


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model of each kind, and the parts they are made of."""
    pytest.importorskip("sentence_transformers", reason="needs scriptbridge[neural]")
    folder = tmp_path_factory.mktemp("models")
    tiny_models.dense(folder)
    tiny_models.sparse(folder)
    tiny_models.cross(folder)
    return folder


def test_dense_gives_what_the_model_gives_in_its_order(models: Path) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = encoders.dense(f"st:{models / 'dense'}?device=cpu&batch=2")
    assert encoder.name == f"st:{models / 'dense'}?device=cpu&batch=2"
    assert encoder.dimension == tiny_models.DIMENSION
    vectors = encoder.encode_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), tiny_models.DIMENSION)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    oracle = SentenceTransformer(str(models / "dense"), device="cpu")
    for text, vector in zip(TEXTS, vectors, strict=True):
        alone = oracle.encode([text], normalize_embeddings=True)[0]
        np.testing.assert_allclose(vector, alone, atol=1e-5)
    assert encoder.encode_queries([]).shape == (0, tiny_models.DIMENSION)


def test_prompts_are_the_models_own_or_those_of_the_spec(tmp_path: Path, models: Path) -> None:
    own = tiny_models.dense(tmp_path, prompts={"query": "q: ", "document": "d: "})
    plain = sentence.Dense(models / "dense", device="cpu")
    prompted = sentence.Dense(own, device="cpu")
    over = encoders.dense(f"st:{own}?device=cpu&query_prompt=find: &document_prompt=")
    for text in TEXTS[:2]:
        for found, expected in [
            (prompted.encode_queries([text]), f"q: {text}"),
            (prompted.encode_documents([text]), f"d: {text}"),
            (over.encode_queries([text]), f"find: {text}"),
            (over.encode_documents([text]), text),
        ]:
            np.testing.assert_allclose(found, plain.encode_queries([expected]), atol=1e-5)


def test_max_length_is_known_and_set(models: Path) -> None:
    words = "a " * 20
    short = sentence.Dense(models / "dense", device="cpu", max_length=5)
    whole = sentence.Dense(models / "dense", device="cpu")
    assert (short.max_length, whole.max_length) == (5, 32)
    np.testing.assert_allclose(short.encode_queries([words]), short.encode_queries(["a a a"]), atol=1e-6)
    assert np.abs(whole.encode_queries([words]) - short.encode_queries([words])).max() > 1e-4
    with pytest.raises(EncoderError, match="max_length 65: the model has 64 positions"):
        encoders.dense(f"st:{models / 'dense'}?device=cpu&max_length=65")


def test_dimensions_keeps_the_first(models: Path) -> None:
    first = encoders.dense(f"st:{models / 'dense'}?device=cpu&dimensions=8")
    whole = encoders.dense(f"st:{models / 'dense'}?device=cpu").encode_queries(["abc"])[0, :8]
    assert first.dimension == 8
    np.testing.assert_allclose(first.encode_queries(["abc"])[0], whole / np.linalg.norm(whole), atol=1e-6)
    with pytest.raises(EncoderError, match="dimensions"):
        encoders.dense(f"st:{models / 'dense'}?device=cpu&dimensions=33")


def test_half_precision_is_near_and_still_float32(models: Path) -> None:
    whole = encoders.dense(f"st:{models / 'dense'}?device=cpu").encode_queries(TEXTS)
    half = encoders.dense(f"st:{models / 'dense'}?device=cpu&dtype=bf16").encode_queries(TEXTS)
    assert half.dtype == np.float32
    assert (half != whole).any()
    assert (half * whole).sum(axis=1).min() > 0.99


def test_the_dtype_by_default_is_what_the_device_has() -> None:
    class Torch:
        """Stands in for torch with a graphics card of some capability."""

        def __init__(self, capability: int) -> None:
            self.cuda = self
            self.capability = capability

        def get_device_capability(self, device: str) -> tuple[int, int]:
            return self.capability, 0

    for device, capability, expected in [
        ("cpu", 9, "fp32"),
        ("cuda", 9, "bf16"),
        ("cuda:1", 8, "bf16"),
        ("cuda", 7, "fp16"),
        ("mps", 0, "fp16"),
        ("xla", 0, "fp32"),
    ]:
        assert sentence._best_dtype(device, Torch(capability)) == expected


def test_a_loaded_model_is_taken_as_it_is_and_progress_is_told(models: Path) -> None:
    from sentence_transformers import SentenceTransformer

    told: list[tuple[int, int]] = []
    model = SentenceTransformer(str(models / "dense"), device="cpu")
    encoder = sentence.Dense(model, batch=3, progress=lambda done, of: told.append((done, of)))
    encoder.encode_documents(TEXTS)
    assert told == [(0, 7), (3, 7), (6, 7), (7, 7)]
    assert encoder.name == "st:SentenceTransformer"


def test_a_model_that_gives_nan(models: Path) -> None:
    import torch

    encoder = sentence.Dense(models / "dense", device="cpu")
    with torch.no_grad():
        next(encoder._model.parameters())[:] = float("nan")
    with pytest.raises(EncoderError, match="dense gave NaN or infinite numbers for the text 'the longest'"):
        encoder.encode_documents(["short", "the longest"])


def test_a_model_that_fails_while_encoding(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = sentence.Dense(models / "dense", device="cpu")

    def fail(*given: object, **options: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(encoder._model, "forward", fail)
    with pytest.raises(EncoderError, match=r"RuntimeError: CUDA out of memory.*a smaller batch"):
        encoder.encode_queries(["a"])


def test_sparse_rows_are_those_of_the_model(models: Path) -> None:
    from sentence_transformers import SparseEncoder

    encoder = encoders.sparse(f"st:{models / 'sparse'}?device=cpu&batch=2&max_length=20")
    assert encoder.dimension > len(tiny_models.LETTERS)
    for encode in (encoder.encode_queries, encoder.encode_documents):
        found = encode(TEXTS)
        check_layout(found, len(TEXTS), encoder.dimension)
        oracle = SparseEncoder(str(models / "sparse"), device="cpu")
        oracle.max_seq_length = 20
        for text, row in zip(TEXTS, full(found), strict=True):
            np.testing.assert_allclose(row, oracle.encode([text]).to_dense()[0].numpy(), atol=1e-5)
    check_layout(encoder.encode_queries([]), 0, encoder.dimension)


def check_layout(found: SparseRows, count: int, dimension: int) -> None:
    assert [found.indptr.dtype, found.indices.dtype, found.values.dtype] == ["int64", "int32", "float32"]
    assert len(found) == count
    assert found.dimension == dimension
    assert found.indptr[0] == 0
    assert found.indptr[-1] == len(found.indices) == len(found.values)
    for start, end in zip(found.indptr, found.indptr[1:], strict=False):
        assert (np.diff(found.indices[start:end]) > 0).all()
    assert (found.values != 0).all()


def full(found: SparseRows) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(n, dimension)"""
    array = np.zeros((len(found), found.dimension), np.float32)
    for at, (start, end) in enumerate(zip(found.indptr, found.indptr[1:], strict=False)):
        array[at, found.indices[start:end]] = found.values[start:end]
    return array


def test_cross_scores_are_the_models_logits_in_order(models: Path) -> None:
    import torch
    from sentence_transformers import CrossEncoder

    encoder = encoders.cross(f"st:{models / 'cross'}?device=cpu&batch=3")
    scores = encoder.score("geia", TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert scores.dtype == np.float32
    oracle = CrossEncoder(str(models / "cross"), device="cpu")
    for text, score in zip(TEXTS, scores, strict=True):
        alone = oracle.predict([("geia", text)], activation_fn=torch.nn.Identity())
        assert score == pytest.approx(float(alone[0]), abs=1e-5)
    assert encoder.score("geia", []).shape == (0,)


@pytest.mark.parametrize(
    ("kind", "model", "message"),
    [
        ("cross", "bert", "no weights that make a score"),
        ("cross", "mlm", "no weights that make a score"),
        ("sparse", "bert", "no weights that make terms"),
        ("dense", "empty", "no SentenceTransformer can be loaded; looked for in the folder"),
        ("cross", "empty", "no CrossEncoder can be loaded; looked for in the folder"),
    ],
)
def test_models_of_another_kind(models: Path, kind: str, model: str, message: str) -> None:
    (models / "empty").mkdir(exist_ok=True)
    with pytest.raises(EncoderError, match=message) as caught:
        getattr(encoders, kind)(f"st:{models / model}?device=cpu")
    assert str(models / model) in str(caught.value)


def test_a_cross_encoder_of_several_labels(models: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="gives 3 numbers a pair"):
        encoders.cross(f"st:{tiny_models.cross(tmp_path, labels=3)}?device=cpu")


def test_a_model_that_is_nowhere_says_where_it_was_looked_for(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.chdir(tmp_path)
    for spec in ("st:./nowhere", f"st:{tmp_path}/nowhere", "st:a/b/nowhere"):
        with pytest.raises(EncoderError, match=r"there is no folder .*nowhere"):
            encoders.dense(spec)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="nowhere else, as HF_HUB_OFFLINE says") as caught:
        encoders.dense("st:nobody/nothing")
    assert str(tmp_path / "nobody" / "nothing") in str(caught.value)
    assert str(constants.HF_HUB_CACHE) in str(caught.value)


def test_loading_shows_no_bars_in_a_log(models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled()
    encoders.dense(f"st:{models / 'dense'}?device=cpu")
    assert capfd.readouterr().err == ""
    assert logging.is_progress_bar_enabled() == before


# ---- functions


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes mine.py into the current directory, from which it can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("mine", None)

    def write(source: str) -> None:
        (tmp_path / "mine.py").write_text(f"import numpy as np\n{source}", "utf-8")

    yield write
    sys.modules.pop("mine", None)


COUNTS = "def encode(texts): return [[text.count(letter) for letter in 'abc'] for text in texts]\n"


def test_a_function_that_gives_vectors(module: Callable[[str], None]) -> None:
    module(COUNTS)
    encoder = encoders.dense("mine:encode")
    found = encoder.encode_queries(["a", "abbbb", "cc"])
    assert (encoder.name, encoder.dimension, found.dtype.name) == ("mine:encode", 3, "float32")
    expected = np.array([[1, 0, 0], [1, 4, 0], [0, 0, 1]]) / np.array([[1], [17**0.5], [1]])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found, encoder.encode_documents(["a", "abbbb", "cc"]))
    assert encoders.dense("mine:encode").encode_queries([]).shape == (0, 3)  # asked with a text


def test_an_object_that_tells_queries_from_documents(module: Callable[[str], None]) -> None:
    module(
        f"{COUNTS}class Both:\n"
        "    def encode_queries(self, texts): return np.ones((len(texts), 3))\n"
        "    def encode_documents(self, texts): return encode(texts)\n"
        "both = Both()\n"
    )
    encoder = encoders.dense("mine:both")
    np.testing.assert_allclose(encoder.encode_queries(["c"]), [[1 / 3**0.5] * 3], atol=1e-6)
    np.testing.assert_allclose(encoder.encode_documents(["c"]), [[0, 0, 1]])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "there is no 'encode'"),
        ("encode = 1", "is no function"),
        ("class encode: pass", "is no function"),
        ("def encode(texts): raise KeyError('x')", "mine:encode raised KeyError: 'x'"),
        ("import sys\ndef encode(texts): sys.exit(0)", "mine:encode raised SystemExit: 0"),
        ("def encode(texts): return np.ones((1, 3))", "gave 1 vectors for 2 texts"),
        ("def encode(texts): return np.ones(2)", "accepted is"),
        ("def encode(texts): return None", "accepted are numbers"),
        ("def encode(texts): return [['a']] * 2", "accepted are numbers"),
        ("def encode(texts): return [[1], [1, 2]]", "different lengths"),
        ("def encode(texts): return np.zeros((2, 3))", "vector of zeros for the text 'bb'"),
        ("def encode(texts): return np.full((2, 3), np.nan)", "NaN or infinite numbers for the text 'bb'"),
    ],
)
def test_functions_that_give_no_vectors(module: Callable[[str], None], source: str, message: str) -> None:
    module(source)
    with pytest.raises(EncoderError, match=message):
        encoders.dense("mine:encode").encode_documents(["a", "bb"])


def test_what_a_function_raises_is_one_line(module: Callable[[str], None]) -> None:
    module("def encode(texts): raise ValueError('first\\n\\n  second')")
    with pytest.raises(EncoderError, match=r"^mine:encode raised ValueError: first second$"):
        encoders.dense("mine:encode").encode_queries(["a"])


def test_a_function_whose_dimension_changes(module: Callable[[str], None]) -> None:
    module("def encode(texts): return np.ones((len(texts), len(texts)))")
    encoder = encoders.dense("mine:encode")
    encoder.encode_queries(["a", "b"])
    with pytest.raises(EncoderError, match="dimension 1; expected are 2"):
        encoder.encode_queries(["a"])


SPARSE = """
class Csr:  # as SciPy's
    def __init__(self, texts):
        self.data, self.indices, self.indptr, self.shape = [], [], [0], (len(texts), 26)
        for text in texts:
            for letter in sorted(set(text)):
                self.indices.append(ord(letter) - 97)
                self.data.append(text.count(letter))
            self.indptr.append(len(self.indices))
        self.data, self.indices, self.indptr = map(np.array, (self.data, self.indices, self.indptr))
    def tocsr(self, copy): return self
    def sum_duplicates(self): pass
def encode(texts): return Csr(texts)
"""


def test_a_function_that_gives_sparse_rows(module: Callable[[str], None]) -> None:
    module(SPARSE)
    encoder = encoders.sparse("mine:encode")
    found = encoder.encode_documents(["b", "", "cabbage"])
    check_layout(found, 3, 26)
    assert encoder.dimension == 26
    assert full(found)[:, :7].tolist() == [[0, 1, 0, 0, 0, 0, 0], [0] * 7, [2, 2, 1, 0, 1, 0, 1]]
    module("")
    sys.modules.pop("mine")
    module("def encode(texts): return np.ones((len(texts), 3))")
    with pytest.raises(EncoderError, match="gave ndarray; accepted are SciPy sparse arrays"):
        encoders.sparse("mine:encode").encode_queries(["a"])


def test_sparse_rows_that_do_not_fit(module: Callable[[str], None]) -> None:
    module(
        SPARSE + "def one(texts): return Csr(texts[:1])\ndef nan(texts):\n"
        "    found = Csr(texts)\n    found.data = found.data * np.nan\n    return found\n"
    )
    with pytest.raises(EncoderError, match=r"rows of shape \(1, 26\); expected is \(2, 26\)"):
        encoders.sparse("mine:one").encode_queries(["a", "b"])
    with pytest.raises(EncoderError, match="NaN or infinite numbers for the text 'bb'"):
        encoders.sparse("mine:nan").encode_queries(["", "bb"])


def test_a_function_that_scores(module: Callable[[str], None]) -> None:
    module(
        "def score(query, documents): return [len(set(query) & set(each)) for each in documents]\n"
        "def short(query, documents): return [1.0]\n"
        "def nan(query, documents): return [1.0, float('nan')]\n"
    )
    encoder = encoders.cross("mine:score")
    assert encoder.score("abc", ["xyz", "cab"]).tolist() == [0, 3]
    assert encoder.score("abc", []).shape == (0,)
    with pytest.raises(EncoderError, match=r"shape \(1,\) for 2 documents"):
        encoders.cross("mine:short").score("a", ["b", "c"])
    with pytest.raises(EncoderError, match="gave nan for the document 'c'"):
        encoders.cross("mine:nan").score("a", ["b", "c"])


# ---- an OpenAI-compatible endpoint


class Request:
    """What the server was asked, and how it answers."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self._handler = handler
        self.path = handler.path
        self.key = handler.headers.get("Authorization")
        self.body: dict[str, Any] = json.loads(body)

    @property
    def texts(self) -> list[str]:
        found: list[str] = self.body["input"]
        return found

    def answer(self, content: object, status: int = 200, **headers: str) -> None:
        """Bytes as they are, everything else as JSON."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.send_header("Content-Length", str(len(data)))
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def embed(self, dimension: int = 3) -> None:
        """As a server should, the last first."""
        self.answer({"data": list(reversed(embedded(self.texts, dimension))), "model": "m"})

    def drop(self) -> None:
        """Answer nothing."""
        self._handler.close_connection = True
        self._handler.connection.close()


def embedded(texts: Sequence[str], dimension: int = 3) -> list[dict[str, Any]]:
    return [
        {"object": "embedding", "index": at, "embedding": vector_of(text, dimension)}
        for at, text in enumerate(texts)
    ]


def vector_of(text: str, dimension: int = 3) -> list[float]:
    return [1.0, *(float(text.count(letter)) for letter in "abcdefgh"[: dimension - 1])]


class Server:
    """An HTTP server in a thread; `answer` is what it does with a request, `requests` what it got."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], None] = Request.embed
        self.requests: list[Request] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                request = Request(self, self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(request)
                try:
                    server.answer(request)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def in_turn(self, *answers: Callable[[Request], None]) -> None:
        """Answer so, one after another, the last for good."""
        self.answer = lambda request: answers[min(len(self.requests), len(answers)) - 1](request)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, which pass at once."""
    waited: list[float] = []
    monkeypatch.setattr(openai, "_sleep", waited.append)
    return waited


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[Server]:
    pytest.importorskip("httpx")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    running = Server()
    yield running
    running.close()


def fails(encoder: encoders.DenseEncoder, texts: Sequence[str] = ("a", "b")) -> str:
    """What encoding says that went wrong."""
    with pytest.raises(EncoderError) as caught:
        encoder.encode_documents(texts)
    return str(caught.value)


def test_an_endpoint_is_asked_in_batches_and_answers_by_index(server: Server) -> None:
    encoder = encoders.dense(f"openai:org/m@{server.url}?batch=2")
    texts = ["ab", "b", "aaaa", "", "ccc"]
    found = encoder.encode_documents(texts)
    assert found.dtype == np.float32
    for text, row in zip(texts, found, strict=True):
        expected = np.array(vector_of(text))
        np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=1e-6)
    assert [request.texts for request in server.requests] == [["aaaa", "ccc"], ["ab", "b"], [""]]
    assert {request.path for request in server.requests} == {"/v1/embeddings"}
    assert server.requests[0].body == {"model": "org/m", "input": ["aaaa", "ccc"]}
    assert server.requests[0].key is None
    assert encoder.dimension == 3
    assert encoder.encode_queries([]).shape == (0, 3)
    assert len(server.requests) == 3  # nothing more was asked


def test_batches_by_characters_prompts_and_dimensions(server: Server) -> None:
    encoder = encoders.dense(
        f"openai:m@{server.url}/?characters=9&dimensions=2&query_prompt=q: &document_prompt=d: "
    )
    assert encoder.dimension == 2
    assert server.requests == []
    server.answer = lambda request: request.embed(2)
    encoder.encode_documents(["aaaa", "b", "c", "a" * 20])
    assert [request.texts for request in server.requests] == [
        ["d: " + "a" * 20],
        ["d: aaaa"],
        ["d: b", "d: c"],
    ]
    encoder.encode_queries(["x\ud800"])  # a lone surrogate is escaped
    assert server.requests[-1].body == {"model": "m", "input": ["q: x\ud800"], "dimensions": 2}


def test_the_dimension_is_asked_where_nothing_tells_it(server: Server) -> None:
    encoder = encoders.dense(f"openai:m@{server.url}")
    assert (encoder.dimension, encoder.dimension, len(server.requests)) == (3, 3, 1)


def test_the_key_is_of_the_environment_and_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    monkeypatch.setenv("MY_KEY", " sk-two\n")
    encoders.dense(f"openai:m@{server.url}").encode_queries(["a"])
    encoder = encoders.dense(f"openai:m@{server.url}?key=${{MY_KEY}}")
    server.in_turn(Request.embed, lambda request: request.answer({"error": f"bad {request.key}"}, 401))
    message = fails(encoder)
    assert [request.key for request in server.requests] == ["Bearer sk-one", "Bearer sk-two"]
    assert f"{server.url}/embeddings: status 401; the answer begins" in message
    assert "bad Bearer …" in message
    assert "sk-two" not in message + encoder.name + repr(encoder)


def test_a_key_of_openais_goes_to_nobody_else(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    for url, sent in (
        ("https://api.openai.com/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com.example.org/v1", False),
        ("https://localhost.example.org/v1", False),
        ("http://vllm:8000/v1", False),
    ):
        assert (encoders.dense(f"openai:m@{url}")._key == "sk-one") == sent, url  # type: ignore[attr-defined]
        asked = encoders.dense(f"openai:m@{url}?key=${{OPENAI_API_KEY}}")
        assert asked._key == "sk-one"  # type: ignore[attr-defined]
    monkeypatch.delenv("OPENAI_API_KEY")
    server.in_turn(lambda request: request.answer({"error": "who?"}, 401))
    assert "no key was sent: key=${NAME} names one" in fails(encoders.dense(f"openai:m@{server.url}"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openai:m@http://h/v1?key=sk-secret", "not a key"),
        ("openai:m@http://h/v1?key=${NOT_THERE}", "the environment has no variable NOT_THERE"),
        ("openai:m@http://h/v1?key=${BROKEN}", "the key in BROKEN holds a space"),
        ("openai:m", "accepted is openai:MODEL@URL"),
        ("openai:@http://h", "accepted is openai:MODEL@URL"),
        ("openai:m@ftp://h", "accepted is openai:MODEL@URL"),
        ("openai:m@http://me:sk-secret@h/v1", "without user"),
        ("openai:m@http://", "accepted is openai:MODEL@URL"),
        ("openai:m@http://h:x/v1", "the URL cannot be used"),
        ("openai:m@http://h/v1?timeout=0", "timeout: accepted are seconds above 0"),
        ("openai:m@http://h/v1?batch=none", "batch: accepted are whole numbers"),
    ],
)
def test_specs_of_endpoints_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    pytest.importorskip("httpx")
    monkeypatch.setenv("BROKEN", "sk secret")
    monkeypatch.delenv("NOT_THERE", raising=False)
    with pytest.raises(EncoderError, match=message) as caught:
        encoders.dense(spec)
    assert "secret" not in str(caught.value)


def test_a_busy_endpoint_is_asked_again(server: Server, waits: list[float]) -> None:
    server.in_turn(
        lambda request: request.answer({"error": "slow down"}, 429, Retry_After="7"),
        lambda request: request.answer(b"", 503),
        Request.drop,
        Request.embed,
    )
    assert encoders.dense(f"openai:m@{server.url}").encode_queries(["a"]).shape == (1, 3)
    assert len(server.requests) == 4
    assert [low <= wait <= 1.25 * low for low, wait in zip((7, 1, 2), waits, strict=True)] == [True] * 3


def test_a_wait_beyond_the_bound_is_an_error(server: Server, waits: list[float]) -> None:
    server.answer = lambda request: request.answer({"error": "tomorrow"}, 429, Retry_After="86400")
    assert "status 429, and it asks to wait 86,400 s; the answer begins" in fails(
        encoders.dense(f"openai:m@{server.url}")
    )
    assert (len(server.requests), waits) == (1, [])


def test_an_endpoint_that_stays_broken(server: Server, waits: list[float]) -> None:
    server.answer = lambda request: request.answer(b"oh no " * 1000, 500)
    message = fails(encoders.dense(f"openai:m@{server.url}"))
    assert f"{server.url}/embeddings: status 500 (tried 6 times); the answer begins 'oh no oh no" in message
    assert len(message) < 400
    assert len(server.requests) == 6
    assert len(waits) == 5


def test_an_endpoint_that_is_not_there(server: Server, waits: list[float]) -> None:
    server.close()
    message = fails(encoders.dense(f"openai:m@{server.url}"))
    assert "no connection (ConnectError" in message
    assert "(tried 6 times)" in message


@pytest.mark.parametrize("trickle", [False, True])
def test_an_endpoint_that_is_slow(server: Server, monkeypatch: pytest.MonkeyPatch, trickle: bool) -> None:
    monkeypatch.setattr(openai, "BACKOFF", (0.1,))

    def slow(request: Request) -> None:
        if trickle:  # each read is quick enough
            request._handler.send_response(200)
            request._handler.send_header("Content-Length", "1000")
            request._handler.end_headers()
        for _ in range(10):
            time.sleep(0.05)
            if trickle:
                request._handler.wfile.write(b" ")
                request._handler.wfile.flush()

    server.answer = slow
    begun = time.monotonic()
    assert "no answer within 0.2 s (tried 2 times)" in fails(
        encoders.dense(f"openai:m@{server.url}?timeout=0.2")
    )
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("host", ["a..b", "ß\u200d"])
def test_what_can_be_no_host(server: Server, host: str) -> None:
    message = fails(encoders.dense(f"openai:m@http://{host}/v1"))
    assert "InvalidURL" in message or "UnicodeError" in message


def test_a_redirection_is_not_followed(server: Server) -> None:
    server.answer = lambda request: request.answer(b"", 307, Location="http://elsewhere.test/v1/embeddings")
    assert "status 307" in fails(encoders.dense(f"openai:m@{server.url}"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "no JSON; the answer begins '<html>'"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "recursion"),
        ([], 'no {"data":'),
        ({"data": None}, 'no {"data":'),
        ({"data": [{"embedding": [1, 2, 3]}, {"embedding": [1, 2, 3]}]}, 'no {"data":'),
        ({"data": embedded(["a"])}, "1 vectors came for 2 texts"),
        ({"data": embedded(["a", "b", "c"])}, "3 vectors came for 2 texts"),
        ({"data": embedded(["a"]) * 2}, "the vectors' indexes are not 0 to 1, each once"),
        ({"data": [{"index": str(at), "embedding": [1]} for at in range(2)]}, "indexes are not"),
        ({"data": [{"index": [at], "embedding": [1]} for at in range(2)]}, 'no {"data":'),
        ({"data": [{"index": at, "embedding": "AACAPw=="} for at in range(2)]}, "accepted are numbers"),
        ({"data": [{"index": at, "embedding": [1] * (at + 1)} for at in range(2)]}, "different lengths"),
        ({"data": [{"index": at, "embedding": [1, None]} for at in range(2)]}, "accepted are numbers"),
        ({"data": [{"index": at, "embedding": [float("nan")] * 3} for at in range(2)]}, "NaN or infinite"),
        ({"data": [{"index": at, "embedding": [0, 0, 0]} for at in range(2)]}, "zeros for the text 'a'"),
        ({"data": embedded(["a", "b"], 4)}, "dimension 4; expected are 3"),
    ],
)
def test_answers_that_do_not_fit(server: Server, content: object, message: str) -> None:
    encoder = encoders.dense(f"openai:m@{server.url}")
    encoder.encode_queries(["a"])
    server.answer = lambda request: request.answer(content)
    came = fails(encoder)
    assert f"{server.url}/embeddings: status 200" in came
    assert message in came
    assert "; the answer begins" in came or "for the text" in came
    assert len(server.requests) == 2  # what would come again is not asked for again


def test_another_dimension_than_asked_for(server: Server) -> None:
    assert "dimension 3; expected are 2" in fails(encoders.dense(f"openai:m@{server.url}?dimensions=2"))


def test_nothing_is_returned_of_half_the_texts(server: Server) -> None:
    server.in_turn(Request.embed, Request.embed, lambda request: request.answer({"error": "quota"}, 403))
    encoder = encoders.dense(f"openai:m@{server.url}?batch=1")
    assert "status 403" in fails(encoder, ["a", "b", "c", "d"])
    server.answer = Request.embed
    assert encoder.encode_documents(["a", "b", "c", "d"]).shape == (4, 3)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("3", 3),
        ("0.5", 0.5),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999999", None),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0),
        ("-1", None),
    ],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    assert openai._wait(header) == expected


def test_retry_after_a_date_to_come() -> None:
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    wait = openai._wait(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert wait is not None
    assert 28 < wait <= 30


# ---- what they are made of


def test_what_an_encoder_is_made_of_changes_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    written = tmp_path / "letters_of.py"
    written.write_text("def encode(texts): return texts\n\nclass Of: pass\n\nof = Of()\n", encoding="utf-8")
    (tmp_path / "e.ngrams").write_bytes(b"1")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"1")
    ones = [np.ones(shape, np.float32) for shape in ((2, 5), (5, 2), 5)]
    adapter.save(tmp_path / "e.adapter", f"st:{tmp_path}/model", *ones)
    for spec, file in (
        ("letters_of:encode", written),
        ("letters_of:of", written),
        (f"ngrams:{tmp_path}/e.ngrams", tmp_path / "e.ngrams"),
        (f"st:{tmp_path}/model?batch=2", tmp_path / "model" / "weights"),
        (f"adapter:{tmp_path}/e.adapter", tmp_path / "model" / "weights"),
        (f"adapter:{tmp_path}/e.adapter", tmp_path / "e.adapter"),
    ):
        before = identity.state(spec), identity.content(spec)
        assert (identity.state(spec), identity.content(spec)) == before
        file.write_bytes(file.read_bytes() + b"\n")
        assert identity.state(spec) != before[0] and identity.content(spec) != before[1], spec
    for spec in ("st:BAAI/bge-m3", "openai:m@http://h/v1"):
        assert identity.content(spec) == ""


def test_what_is_refused_is_not_said_to_be_converted_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def made(where: str) -> None:
        logging.getLogger("sentence_transformers.base.model").warning(f"Converting {where}")

    package = SimpleNamespace(CrossEncoder=made, SparseEncoder=made, is_progress_bar_enabled=lambda: False)
    monkeypatch.setattr(extras, "load", lambda module, extra: package)
    sentence.load("CrossEncoder", "x/model", "st:x/model")
    assert caplog.text == ""
    sentence.load("SparseEncoder", "x/model", "st:x/model")
    assert "Converting x/model" in caplog.text
