import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

import tiny_models  # noqa: E402

from scriptbridge.errors import TrainingError  # noqa: E402
from scriptbridge.train import align, models, teacher, translit  # noqa: E402
from scriptbridge.train.align import Align  # noqa: E402
from scriptbridge.train.data import Examples, Query  # noqa: E402
from scriptbridge.train.trainer import Settings  # noqa: E402
from scriptbridge.train.translit import Translit, bi, cross, sampling, teachers  # noqa: E402

GREEK = dict(zip("αβγδεικλμνοπρστ", "avgdeiklmnoprst", strict=True))


def _words(count: int) -> list[str]:
    rng = Random(7)
    return ["".join(rng.choice(list(GREEK)) for _ in range(5)) for _ in range(count)]


def _latin(text: str) -> str:
    return "".join(GREEK.get(letter, letter) for letter in text)


def _examples(start: int = 0, documents: int = 24) -> Examples:
    """Documents of three words; two questions of each, native and Latin, ask for two of its words."""
    words = _words(3 * 60)[3 * start : 3 * (start + documents)]
    texts = {f"d{i}": " ".join(words[3 * i : 3 * i + 3]) for i in range(documents)}
    queries = []
    for id, text in texts.items():
        first, second, third = text.split()
        for name, native in (("a", f"{first} {second}"), ("b", f"{second} {third}")):
            wordings = (_latin(native), _latin(native).upper())
            queries.append(Query(id + name, native, wordings, (id,), (f"d{(int(id[1:]) + 1) % documents}",)))
    return Examples(texts, tuple(queries))


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_models.dense(tmp_path_factory.mktemp("dense")))


def _settings(model: str, **changes: Any) -> Settings:
    given: dict[str, Any] = {"steps": 30, "batch_size": 8, "learning_rate": 3e-3, "threads": 1}
    return Settings("translit", model, **(given | {"device": "cpu"} | changes))


def _loaded(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def _reciprocal_rank(model: Any, examples: Examples, latin: bool) -> float:
    texts = [query.latin[0] if latin else query.native for query in examples.queries]
    scores = (
        model.encode_query(texts, normalize_embeddings=True)
        @ model.encode_document(list(examples.documents.values()), normalize_embeddings=True).T
    )
    ids = list(examples.documents)
    own = np.array([ids.index(query.positives[0]) for query in examples.queries])
    ranks = (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1) + 1
    return float((1 / ranks).mean())


# ---- translit


@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_a_bi_encoder_learns_the_scripts_it_is_trained_on(dense: str, tmp_path: Path, mix: float) -> None:
    examples = _examples()
    settings = _settings(dense, steps=120, batch_size=16)
    metrics = translit.train(examples, settings, Translit(mix=mix, dropout=0.0), tmp_path / "m")
    assert metrics.last_loss < metrics.first_loss
    before, after = _loaded(Path(dense)), _loaded(tmp_path / "m")
    for latin, learnt in ((False, mix < 1), (True, mix > 0)):
        if learnt:
            assert _reciprocal_rank(after, examples, latin) > 0.5
            assert _reciprocal_rank(after, examples, latin) > _reciprocal_rank(before, examples, latin) + 0.1


def test_the_result_is_a_folder_that_sentence_transformers_loads(dense: str, tmp_path: Path) -> None:
    translit.train(_examples(), _settings(dense, steps=2), Translit(script_weight=0.1), tmp_path / "m")
    assert _loaded(tmp_path / "m").encode(["νησί nisi"]).shape == (1, tiny_models.DIMENSION)
    config = json.loads((tmp_path / "m" / "training" / "config.json").read_text())
    assert config["options"]["mix"] == 0.5 and config["data"] == _examples().fingerprint
    assert "SIGIR 2025" in (tmp_path / "m" / "README.md").read_text()


def test_a_sparse_encoder_learns_and_stays_sparse(tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder

    model = str(tiny_models.sparse(tmp_path))
    options = Translit("sparse", dropout=0.0, query_flops=0.01, passage_flops=0.01, temperature=5.0)
    metrics = translit.train(
        _examples(), _settings(model, steps=60, learning_rate=1e-3), options, tmp_path / "m"
    )
    assert metrics.last_loss < metrics.first_loss
    before, after = (SparseEncoder(str(path), device="cpu") for path in (model, tmp_path / "m"))
    texts = [query.latin[0] for query in _examples().queries]
    weights = [
        float(each.encode(texts, convert_to_sparse_tensor=False).abs().sum()) for each in (before, after)
    ]
    assert weights[1] < weights[0]


@pytest.mark.parametrize("objective", ["listwise", "binary"])
def test_a_cross_encoder_learns(tmp_path: Path, objective: Any) -> None:
    from sentence_transformers import CrossEncoder

    model = str(tiny_models.cross(tmp_path))
    options = Translit("cross", negatives=3, dropout=0.0, objective=objective)
    metrics = translit.train(
        _examples(), _settings(model, steps=150, learning_rate=2e-3), options, tmp_path / "m", dev=_examples()
    )
    assert metrics.last_loss < metrics.first_loss - 0.05 and metrics.best is None
    assert len(CrossEncoder(str(tmp_path / "m"), device="cpu").predict([("a", "b"), ("c", "d")])) == 2


@pytest.mark.parametrize("kind", ["dense", "sparse", "cross"])
def test_dev_chooses_the_step_that_is_kept(kind: Any, tmp_path: Path) -> None:
    model = str(
        {"dense": tiny_models.dense, "sparse": tiny_models.sparse, "cross": tiny_models.cross}[kind](tmp_path)
    )
    settings = _settings(model, steps=6, evaluate_every=2)
    metrics = translit.train(_examples(), settings, Translit(kind), tmp_path / "m", dev=_examples(24, 12))
    lines = [json.loads(line) for line in (tmp_path / "m" / "training" / "metrics.jsonl").open()]
    figures = {line["step"]: line["dev"] for line in lines if "dev" in line}
    assert list(figures) == [2, 4, 6] and all(0 <= figure <= 1 for figure in figures.values())
    assert metrics.best == max(figures.values()) == figures[metrics.best_step]


def _short(model: str, out: str | Path, **more: Any) -> None:
    translit.train(_examples(), _settings(model, steps=9, checkpoint_every=2), Translit(), out, **more)


def test_a_killed_recipe_goes_on_bit_for_bit(dense: str, tmp_path: Path) -> None:
    program = tmp_path / "run.py"
    program.write_text(
        textwrap.dedent("""
        import os, signal, sys
        import test_recipes

        def kill(step, steps, loss):
            if step == 5:
                os.kill(os.getpid(), signal.SIGKILL)

        test_recipes._short(sys.argv[1], sys.argv[2], progress=kill)
        """)
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *(path for path in sys.path if path)])
    ended = subprocess.run(
        [sys.executable, str(program), dense, str(tmp_path / "k")],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    _short(dense, tmp_path / "k")
    _short(dense, tmp_path / "w")
    weights = "model.safetensors"
    assert (tmp_path / "k" / weights).read_bytes() == (tmp_path / "w" / weights).read_bytes()


def test_half_precision_learns_too(dense: str, tmp_path: Path) -> None:
    losses = [
        translit.train(
            _examples(),
            _settings(dense, precision=precision),
            Translit(dropout=0.0),
            tmp_path / precision,
        ).last_loss
        for precision in ("float32", "bfloat16")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_one_sided_examples_are_told(dense: str, tmp_path: Path) -> None:
    whole = _examples()
    native = replace(whole, queries=tuple(replace(query, latin=()) for query in whole.queries))
    latin = replace(whole, queries=tuple(replace(query, native="") for query in whole.queries))
    lonely = replace(whole, queries=tuple(replace(query, positives=()) for query in whole.queries))
    for examples, mix, said in ((native, 0.5, "Latin"), (latin, 0.5, "native"), (lonely, 0.0, "positive")):
        with pytest.raises(TrainingError, match=said):
            translit.train(examples, _settings(dense), Translit(mix=mix), tmp_path / "m")
    assert not (tmp_path / "m").exists()
    translit.train(latin, _settings(dense, steps=1), Translit(mix=1.0), tmp_path / "latin")
    translit.train(native, _settings(dense, steps=1), Translit(mix=0.0), tmp_path / "native")


@pytest.mark.parametrize(
    "wrong",
    [
        {"mix": 1.1},
        {"kind": "bi"},
        {"temperature": 0.0},
        {"temperature": float("inf")},
        {"teacher_temperature": float("inf")},
        {"query_tokens": 2},
        {"negatives": -1},
        {"objective": "x"},
        {"queries_per_document": 0},
        {"teachers": ("a",)},
        {"kl_weight": 1.0},
        {"teacher_temperature": 0.0},
        {"label_weight": 0.0},
        {"kind": "cross", "negatives": 0},
        {"kind": "cross", "script_weight": 0.1},
        {"kind": "cross", "objective": "binary", "temperature": 0.5},
        {"objective": "binary"},
        {"query_flops": 0.1},
        {"kind": "cross", "passage_flops": 0.1},
        {"script_temperature": 0.1},
        {"teacher_temperature": 0.1},
        {"script_weight": float("nan")},
    ],
)
def test_options_that_cannot_be_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="accepted"):
        Translit(**wrong)


def test_models_are_found_as_encoders_are(dense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One loader: a home's tilde, and where a model was looked for."""
    monkeypatch.setenv("HOME", str(Path(dense).parent))
    assert models.load("~/dense", "dense", _settings("")).get_embedding_dimension() == tiny_models.DIMENSION
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TrainingError, match=r"looked for in .*no such folder.*in the cache .*HF_HUB_OFFLINE"):
        models.load("nobody/nothing", "dense", _settings(""))


def test_models_that_cannot_be_trained_are_told(dense: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nowhere"):
        translit.train(_examples(), _settings(str(tmp_path / "nowhere")), Translit(), tmp_path / "m")
    with pytest.raises(TrainingError, match="dropout"):
        translit.train(_examples(), _settings(dense), Translit(dropout=1.0), tmp_path / "m")
    three = str(tiny_models.cross(tmp_path, labels=3))
    with pytest.raises(TrainingError, match="3 numbers"):
        translit.train(_examples(), _settings(three), Translit("cross"), tmp_path / "m")


@pytest.mark.parametrize("weights", [{"kl_weight": 1.0}, {"margin_weight": 20.0}], ids=str)
@pytest.mark.parametrize("kind", ["dense", "cross"])
def test_a_student_follows_its_teachers_scores(
    dense: str, tmp_path: Path, weights: dict[str, Any], kind: Any
) -> None:
    examples = _examples()
    taught = translit.train(
        examples, _settings(dense, steps=120, batch_size=16), Translit(mix=0.0, dropout=0.0), tmp_path / "t"
    )
    assert taught.steps == 120
    model = dense if kind == "dense" else str(tiny_models.cross(tmp_path))
    options = Translit(
        kind, dropout=0.0, teachers=(str(tmp_path / "t"),), label_weight=0.0, negatives=4, **weights
    )
    settings = _settings(model, steps=150, batch_size=16, learning_rate=2e-3)
    metrics = translit.train(examples, settings, options, tmp_path / "s", cache=tmp_path / "cache")
    assert metrics.last_loss < 0.8 * metrics.first_loss
    if kind == "dense":  # no label was looked at
        for latin in (False, True):
            before = _reciprocal_rank(_loaded(Path(dense)), examples, latin)
            assert _reciprocal_rank(_loaded(tmp_path / "s"), examples, latin) > before + 0.1


def _teachers(
    monkeypatch: pytest.MonkeyPatch, cosines: dict[str, list[list[float]]], **options: Any
) -> teachers.Teachers:
    """Teachers whose queries, numbered, find the passages, numbered, so (queries, passages)."""

    def cached(teacher: str, role: str, texts: Any, folder: Path) -> Any:
        found = np.array(cosines[teacher], np.float32)
        return found if role == "queries" else np.eye(found.shape[1], dtype=np.float32)

    monkeypatch.setattr("scriptbridge.train.teacher.cached", cached)
    told = Translit(teachers=tuple(cosines), **options)
    return teachers.Teachers(_examples().queries[:2], ["a", "b", "c"], told, Path())


def _loss(taught: teachers.Teachers, scores: list[list[float]], temperature: float) -> float:
    """Of both queries, whose own passage is the second; the third does not count for the first query."""
    mask = torch.tensor([[False, False, True], [False, False, False]])
    order = np.array([[1, 0, 2], [1, 0, 2]])
    return float(taught.loss(torch.tensor(scores), np.array([0, 1]), order, temperature, mask))


NEAR, FAR = [[0.2, 0.6, 9.0], [0.1, 0.5, 0.3]], [[0.88, 0.9, -9.0], [0.90, 0.98, 0.90]]
MEAN = [[0.0, 0.21, 0.0], [0.0, 0.24, 0.06]]
"""Their mean after normalisation, (0, 1) and (0, 1, 1/4), times their mean spread, .21 and .24."""


@pytest.mark.parametrize("weights", [{"kl_weight": 1.0}, {"margin_weight": 1.0}], ids=str)
def test_several_teachers_are_averaged(weights: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [[0.5, 0.4, 0.3], [0.1, 0.2, 0.3]]
    both = _loss(_teachers(monkeypatch, {"near": NEAR, "far": FAR}, **weights), scores, 0.02)
    alone = [_loss(_teachers(monkeypatch, {"one": each}, **weights), scores, 0.02) for each in (NEAR, FAR)]
    assert both == pytest.approx(_loss(_teachers(monkeypatch, {"mean": MEAN}, **weights), scores, 0.02))
    assert both not in (pytest.approx(alone[0]), pytest.approx(alone[1]))


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_a_student_on_any_scale_can_follow_its_teacher(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores over their temperature are a teacher's over its own; a cross-encoder's temperature is 1."""
    taught = _teachers(monkeypatch, {"near": NEAR}, kl_weight=1.0, margin_weight=1.0)
    same = [[scale * (row[at] + 3) for at in (1, 0, 2)] for row in NEAR]
    assert _loss(taught, same, 0.02 * scale) == pytest.approx(0, abs=1e-4)
    assert _loss(taught, [row[::-1] for row in same], 0.02 * scale) > 0.1


def test_a_teachers_loss_is_that_of_the_scores_of_the_same_candidates(
    dense: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order of a batch's documents: of the student's own cosines, the loss is 0."""
    assert bi._others(np.array([1, 0, 2]), 4).tolist() == [[0, 2, 3], [1, 2, 3], [0, 1, 3]]
    examples = _examples(documents=6)
    options = Translit(
        mix=0.0, negatives=2, label_weight=0.0, teachers=(dense,), kl_weight=1.0, margin_weight=1.0
    )
    encoder = models.Bi(models.load(dense, "dense", _settings(dense)).eval(), "dense")

    def cached(teacher: str, role: Any, texts: Any, folder: Path) -> Any:
        return encoder.encoded(encoder.tokens(texts, role.rstrip("s").replace("querie", "query"), 64))

    monkeypatch.setattr("scriptbridge.train.teacher.cached", cached)
    passages = sampling.Passages(examples)
    taught = teachers.Teachers(examples.queries, passages.texts, options, Path())
    batch = bi.Bi(encoder, examples.queries, passages, taught, options, 1)
    assert batch.loss(0, np.array([4, 0, 9]), np.random.default_rng(0)).item() == pytest.approx(0, abs=1e-4)


def test_a_cross_encoder_is_judged_on_what_bm25_finds() -> None:
    """Not on documents at random, among which a positive is easily told."""
    near = {f"near{at}": f"κοινή λέξη {at}" for at in range(12)}
    far = {f"far{at}": f"άλλο θέμα {at}" for at in range(200)}
    query = Query("q", "κοινή λέξη", ("koini leksi",), ("near3",), ("far7",))
    asked = cross.reranked(Examples(near | far, (query, replace(query, id="r", native=""))), 1.0)
    for (pairs, positives), least in zip(asked, (12, 1), strict=True):
        listed = [document for _, document in pairs]
        assert positives == 1 and listed[:2] == [near["near3"], far["far7"]] and len(set(listed)) == 20
        assert {text for text, _ in pairs} == {"koini leksi"}
        assert sum(document in near.values() for document in listed) >= least


# ---- batches


def test_no_two_queries_of_a_batch_are_of_one_document() -> None:
    documents = [f"d{i % 50}" for i in range(400)]
    made = sampling.batches(documents, 16, seed=1)
    assert len(made) == 25 and sorted(np.concatenate(made).tolist()) == list(range(400))
    repeated = sum(len({documents[query] for query in batch}) < 16 for batch in made)
    assert repeated <= 1  # what was left over
    assert all((a == b).all() for a, b in zip(made, sampling.batches(documents, 16, seed=1), strict=True))
    assert not all((a == b).all() for a, b in zip(made, sampling.batches(documents, 16, seed=2), strict=True))


def test_queries_of_one_document_share_it_in_a_batch() -> None:
    documents = [f"d{i % 50}" for i in range(400)]
    made = sampling.batches(documents, 10, seed=1, together=4)
    assert sorted(np.concatenate(made).tolist()) == list(range(400))
    for batch in made:
        counts = Counter(documents[query] for query in batch)
        assert len(batch) == 40 and set(counts.values()) == {4}


def test_few_queries_or_documents_still_make_batches() -> None:
    assert [len(batch) for batch in sampling.batches(["d"] * 10, 4, seed=0)] == [4, 4]
    assert [sorted(batch.tolist()) for batch in sampling.batches(["a", "b", "a"], 8, seed=0)] == [[0, 1, 2]]


@pytest.mark.parametrize("mix", [0.0, 0.25, 0.5, 1.0])
def test_a_batch_has_its_share_of_latin_queries(mix: float) -> None:
    queries = _examples().queries
    wordings = sampling.Wordings(queries, mix)
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = wordings.drawn(np.arange(40), rng)
        texts = [wordings.texts[row] for row in rows]
        assert sum(text.isascii() for text in texts) in (int(40 * mix), int(40 * mix) + (mix < 1 and mix > 0))
        for text, query in zip(texts, queries, strict=False):
            assert text in (query.native, *query.latin)


def test_queries_are_asked_in_the_script_that_they_have() -> None:
    queries = (Query("l", "", ("latin",)), Query("n", "νησί"), Query("b", "βουνό", ("vouno", "bouno")))
    wordings = sampling.Wordings(queries, 0.5)
    seen = set()
    for seed in range(40):
        rows = wordings.drawn(np.arange(3), np.random.default_rng(seed))
        seen.add(tuple(wordings.texts[row] for row in rows))
    assert {each[:2] for each in seen} == {("latin", "νησί")}
    assert {each[2] for each in seen} == {"βουνό", "vouno", "bouno"}


def test_other_positives_are_masked_and_texts_that_are_alike_are_one() -> None:
    documents = {"a": "one", "b": "two", "c": "one", "d": "three"}
    queries = (Query("p", "p", (), ("a", "b"), ("d", "c")), Query("q", "q", (), ("b",), ("d",)))
    passages = sampling.Passages(Examples(documents, queries))
    assert passages.texts == ["one", "two", "three"]
    for seed in range(10):
        rows, own, mask = passages.drawn(np.array([0, 1]), 2, np.random.default_rng(seed))
        found = [passages.texts[row] for row in rows]
        assert found[own[0]] in ("one", "two") and found[own[1]] == "two" and "three" in found
        expected = [
            [text in ("one", "two") and text != found[own[0]] for text in found],
            [False] * len(found),
        ]
        assert mask.tolist() == expected


def test_candidates_are_negatives_first_and_then_other_queries_documents() -> None:
    examples = _examples(documents=6)
    passages = sampling.Passages(examples)
    found = passages.candidates(np.array([0, 2, 4]), 3, np.random.default_rng(0))
    assert found[:, 0].tolist() == [0, 1, 2] and found[:, 1].tolist() == [1, 2, 3]
    assert found[0, 2:].tolist() == [2, -1] and sorted(found[1, 2:].tolist()) == [-1, 0]


# ---- texts and vectors


def test_vectors_are_those_of_sentence_transformers(tmp_path: Path) -> None:
    folder = tiny_models.dense(tmp_path, prompts={"query": "q: ", "document": "d: "})
    model = models.load(str(folder), "dense", _settings(str(folder)))
    encoder = models.Bi(model.eval(), "dense")
    texts = [query.native for query in _examples().queries] + ["", "μακρύ κείμενο " * 20, "ab"]
    for role, encode in (("query", model.encode_query), ("document", model.encode_document)):
        own = encoder.encoded(encoder.tokens(texts, role, 64))  # type: ignore[arg-type]
        assert np.allclose(own, encode(texts, normalize_embeddings=True), atol=1e-5)


def test_prompts_that_are_not_pooled_are_left_out(tmp_path: Path) -> None:
    folder = tiny_models.dense(tmp_path, prompts={"query": "ερώτηση: "})
    model = models.load(str(folder), "dense", _settings(str(folder))).eval()
    model.set_pooling_include_prompt(False)
    encoder = models.Bi(model, "dense")
    own = encoder.encoded(encoder.tokens(["νησί", "μακρύ κείμενο"], "query", 64))
    assert np.allclose(
        own, model.encode_query(["νησί", "μακρύ κείμενο"], normalize_embeddings=True), atol=1e-5
    )


def test_texts_are_cut_and_chunks_change_nothing(dense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = models.Bi(models.load(dense, "dense", _settings(dense)).eval(), "dense")
    texts = ["α" * n for n in (30, 1, 12, 3, 25, 2)]
    tokens = encoder.tokens(texts, "query", 10)
    assert tokens.lengths(np.arange(6)).tolist() == [10, 3, 10, 5, 10, 4]
    whole = encoder.encoded(tokens)
    monkeypatch.setitem(models.AT_ONCE, "cpu", 11)
    assert np.allclose(encoder.encoded(tokens), whole, atol=1e-6)
    some = encoder.vectors(tokens, [4, 1, 4]).detach().numpy()
    assert np.allclose(some, whole[[4, 1, 4]], atol=1e-6)


def test_scores_of_pairs_are_those_of_sentence_transformers(tmp_path: Path) -> None:
    folder = str(tiny_models.cross(tmp_path))
    model = models.load(folder, "cross", _settings(folder)).eval()
    pairs = [("νησί", "το νησί είναι μακριά"), ("a", "b"), ("nisi", "x " * 40)]
    own = models.Cross(model, folder).scores(pairs, 60).detach().numpy()
    wanted = model.predict(pairs, activation_fn=torch.nn.Identity())
    assert np.allclose(own[:2], wanted[:2], atol=1e-5)


# ---- align


def _align(model: str, **changes: Any) -> Settings:
    return replace(_settings(model, **changes), recipe="align")


def _near(model: Any, taught: Any, latin: bool) -> float:
    """How high the native form of each query is among all of them, as the teacher sees them: 1/rank."""
    queries = _examples().queries
    own = model.encode_query([q.latin[0] if latin else q.native for q in queries], normalize_embeddings=True)
    scores = own @ taught.encode_query([query.native for query in queries], normalize_embeddings=True).T
    return float((1 / (scores >= scores.diagonal()[:, None]).sum(axis=1)).mean())


OPTIONS = Align(latin_per_batch=16, native_per_batch=8, noise=0.2)


def test_latin_queries_come_to_where_the_teacher_puts_native_ones(dense: str, tmp_path: Path) -> None:
    examples = replace(_examples(), documents={})
    metrics = align.train(
        examples, _align(dense, steps=150), OPTIONS, tmp_path / "m", cache=tmp_path / "cache"
    )
    assert metrics.last_loss < metrics.first_loss
    before, after = _loaded(Path(dense)), _loaded(tmp_path / "m")
    assert _near(after, before, latin=True) > _near(before, before, latin=True) + 0.2
    assert _near(after, before, latin=False) > 0.9
    assert "stay as they are" in (tmp_path / "m" / "README.md").read_text()


def test_teacher_vectors_are_asked_for_once(
    dense: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = teacher.cached(dense, "queries", ["νησί", "βουνό"], tmp_path)
    assert first.dtype == np.float32 and np.allclose((first**2).sum(axis=1), 1)
    (kept,) = tmp_path.iterdir()
    monkeypatch.setattr("scriptbridge.encoders.dense", lambda spec: pytest.fail("asked again"))
    assert (teacher.cached(dense, "queries", ["νησί", "βουνό"], tmp_path) == first).all()
    monkeypatch.undo()
    for role, texts in (("documents", ["νησί", "βουνό"]), ("queries", ["νησίβουνό"]), ("queries", ["νησί"])):
        teacher.cached(dense, role, texts, tmp_path)
    other = tiny_models.dense(tmp_path / "other", seed=1)
    again = teacher.cached(f"st:{other}", "queries", ["νησί", "βουνό"], tmp_path)
    assert not np.allclose(again, first) and kept.exists()
    assert len(list(tmp_path.glob("*.npy"))) == 5 and not list(tmp_path.glob("*.partial"))


def test_a_teacher_that_changed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is, below a folder named training too, and by whatever path it is named."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for spec in (str(tmp_path / "training" / "dense"), "st:~/training/dense"):
        first, second = (
            teacher.cached(spec, "queries", ["νησί"], tmp_path / "cache")
            for seed in (0, 1)
            if tiny_models.dense(tmp_path / "training", seed)
        )
        assert not np.allclose(first, second)
    model = tmp_path / "training" / "dense"
    (model / "training").mkdir()
    kept = set((tmp_path / "cache").iterdir())
    (model / "training" / "metrics.jsonl").write_text("{}")
    teacher.cached("st:~/training/dense", "queries", ["νησί"], tmp_path / "cache")
    assert set((tmp_path / "cache").iterdir()) == kept


def test_the_precision_of_a_teacher_is_part_of_its_name(
    dense: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dtype in ("fp32", "bf16"):
        monkeypatch.setattr("scriptbridge.encoders.sentence._best_dtype", lambda device, torch, d=dtype: d)
        teacher.cached(dense, "queries", ["νησί"], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_heals_and_says_where_it_cannot_be(dense: str, tmp_path: Path) -> None:
    first = teacher.cached(dense, "queries", ["νησί"], tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    nan, zeros = whole[:-8] + b"\xff" * 8, whole[:-64] + b"\0" * 64
    for damage in (b"", b"PK\x03\x04", whole[:10], whole[:-3], nan, zeros):
        kept.write_bytes(damage)
        assert (teacher.cached(dense, "queries", ["νησί"], tmp_path) == first).all()
        assert np.load(kept).shape == first.shape and list(tmp_path.iterdir()) == [kept]
    with pytest.raises(TrainingError, match="cannot be kept"):
        teacher.cached(dense, "queries", ["νησί"], kept / "below")


@pytest.mark.parametrize("recipe", [align, translit], ids=["align", "translit"])
def test_another_model_in_the_same_folder_is_another_run(tmp_path: Path, recipe: Any) -> None:
    """Its shapes are the same, so a checkpoint would fit: student and teacher would be of two bases."""
    settings = _align(str(tiny_models.dense(tmp_path)), steps=2)
    options = OPTIONS if recipe is align else Translit()

    def run() -> Any:
        return recipe.train(_examples(), settings, options, tmp_path / "m", cache=tmp_path / "cache")

    assert run() == run()
    tiny_models.dense(tmp_path, seed=1)
    with pytest.raises(TrainingError, match="another run; origin"):
        run()


def test_a_run_of_an_earlier_version_goes_on(dense: str, tmp_path: Path) -> None:
    ended = translit.train(_examples(), _settings(dense, steps=1), Translit(), tmp_path / "m")
    config = tmp_path / "m" / "training" / "config.json"
    kept = json.loads(config.read_text())
    config.write_text(json.dumps({name: value for name, value in kept.items() if name != "origin"}))
    assert translit.train(_examples(), _settings(dense, steps=1), Translit(), tmp_path / "m") == ended


def test_a_student_of_another_dimension_gets_a_linear_layer(dense: str, tmp_path: Path) -> None:
    (tmp_path / "teacher.py").write_text(
        "import numpy as np\n"
        "def encode(texts):\n"
        "    return [[len(t), t.count('α') + 1.0, t.count('ο') + 1.0, 1.0, 2.0] for t in texts]\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        options = replace(OPTIONS, teacher="teacher:encode")
        settings = _align(dense, steps=20)
        align.train(_examples(), settings, options, tmp_path / "m", cache=tmp_path / "cache")
    finally:
        sys.path.remove(str(tmp_path))
    vectors = _loaded(tmp_path / "m").encode_query(["νησί", "nisi"])
    assert vectors.shape == (2, 5) and np.allclose((vectors**2).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("documents", [True, False])
def test_dev_chooses_the_step_of_align(dense: str, tmp_path: Path, documents: bool) -> None:
    dev = _examples(24, 12) if documents else replace(_examples(24, 12), documents={})
    metrics = align.train(
        _examples(),
        _align(dense, steps=4, evaluate_every=2),
        OPTIONS,
        tmp_path / "m",
        dev=dev,
        cache=tmp_path / "cache",
    )
    assert metrics.best is not None and metrics.best_step in (2, 4) and -1 <= metrics.best <= 1


def test_align_needs_native_queries_with_latin_wordings(dense: str, tmp_path: Path) -> None:
    whole = _examples()
    latin = tuple(replace(query, native="") for query in whole.queries)
    native = tuple(replace(query, latin=()) for query in whole.queries)
    for queries, said in ((latin, "no native queries"), (native, "Latin wording")):
        some = replace(whole, queries=queries)
        with pytest.raises(TrainingError, match=said):
            align.train(some, _align(dense), OPTIONS, tmp_path / "m", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "wrong",
    [
        {"noise": 2.0},
        {"latin_per_batch": 0},
        {"native_per_batch": -1},
        {"temperature": 0.0},
        {"temperature": float("inf")},
        {"mse_weight": -1.0},
        {"cosine_weight": float("nan")},
        {"cosine_weight": 0.0, "mse_weight": 0.0, "info_nce_weight": 0.0},
    ],
)
def test_options_of_align_that_cannot_be_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="accepted"):
        Align(**wrong)


def test_an_epoch_takes_every_latin_query_once() -> None:
    pairs = teacher.Pairs(_examples())
    rounds = teacher.Rounds(pairs, replace(OPTIONS, latin_per_batch=12), seed=3)
    assert rounds.per_epoch == 4
    taken = [rounds.batch(step) for step in range(8)]
    for epoch in (taken[:4], taken[4:]):
        assert sorted(np.concatenate([latin for latin, _ in epoch]).tolist()) == list(range(48))
    again = teacher.Rounds(pairs, replace(OPTIONS, latin_per_batch=12), seed=3).batch(5)
    assert (again[0] == taken[5][0]).all() and (again[1] == taken[5][1]).all()


def test_batches_may_be_larger_than_the_queries() -> None:
    turns = teacher._Cycle(np.arange(3), 8, seed=0)
    assert sorted(np.concatenate([turns.part(0), turns.part(1), turns.part(2)]).tolist()) == sorted(
        [0, 1, 2] * 8
    )
    assert teacher._Cycle(np.arange(3), 0, seed=0).part(5).tolist() == []


def test_noise_changes_its_share_of_wordings() -> None:
    rng = Random(0)
    options = Align(noise=0.5, vowels=1.0, typos=0.0)
    typed = [teacher.add_noise("banana split", options, rng) for _ in range(400)]
    assert set(typed) == {"banana split", "bnn splt"} and 150 < typed.count("bnn splt") < 250
