"""What recipe `translit` may be told besides: teachers of words, near documents, traded names."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

import tiny_models  # noqa: E402

from scriptbridge.errors import EncoderError, TrainingError  # noqa: E402
from scriptbridge.train import models, translit  # noqa: E402
from scriptbridge.train.data import Examples, Query  # noqa: E402
from scriptbridge.train.trainer import Settings  # noqa: E402
from scriptbridge.train.translit import Translit, sampling, teachers  # noqa: E402
from scriptbridge.train.translit.lexical import Lexical  # noqa: E402
from scriptbridge.train.translit.renaming import Renaming  # noqa: E402

PASSAGES = ["ab ab cd", "cd ef", "gh"]


def _documents(count: int = 30) -> Examples:
    letters = "αβγδεζηθικλμνξο"
    texts = {f"d{i}": f"αβ{letters[i % 10]} δε{letters[i // 3]} ζη{letters[i % 7]}" for i in range(count)}
    return Examples(texts, tuple(Query(id, text.split()[0], (), (id,)) for id, text in texts.items()))


def _train(folder: Path, **options: Any) -> float:
    model = str(tiny_models.dense(folder / "model"))
    settings = Settings("translit", model, steps=8, batch_size=8, device="cpu", threads=1)
    told = Translit(mix=0.0, negatives=0, dropout=0.0, **options)
    return translit.train(_documents(), settings, told, folder / "out", cache=folder / "cache").last_loss


# ---- BM25 as a teacher


def test_bm25_shares_are_those_worked_by_hand() -> None:
    idf = {term: math.log(1 + (3 - n + 0.5) / (n + 0.5)) for term, n in (("ab", 1), ("cd", 2), ("ef", 1))}

    def weight(term: str, count: int, length: int) -> float:
        return idf[term] * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 2))

    taught = Lexical(["ab cd", "cd", "zz"], PASSAGES)
    found = taught.scores(np.array([0, 1, 2]), np.array([[0, 1, 2], [0, 1, 2], [1, 0, 2]]))
    own = weight("ab", 2, 3) + weight("cd", 1, 3)
    assert found[0].tolist() == pytest.approx([1.0, weight("cd", 1, 2) / own, 0.0])
    assert found[1].tolist() == [1.0, 1.0, 0.0]  # the second is shorter, and no better than its own
    assert found[2].tolist() == [1.0, 0.0, 0.0]  # no word is known; its own passage is still its own


def test_queries_and_passages_without_words_are_scored() -> None:
    taught = Lexical(["", "…"], ["", "ab", "…"])
    assert taught.scores(np.array([0, 1]), np.array([[0, 1], [2, 1]])).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert Lexical(["ab"], ["", ""]).scores(np.array([0]), np.array([[0, 1]])).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("teacher", ["bm25", "cross:toy_encoder:score"])
def test_words_and_cross_encoders_teach(teacher: str, tmp_path: Path) -> None:
    told = {"label_weight": 0.0, "kl_weight": 1.0, "teacher_temperature": 0.15}
    one = _train(tmp_path / "one", teachers=(teacher,), **told)
    two = _train(tmp_path / "two", teachers=(teacher, str(tmp_path / "one" / "out")), **told)
    assert math.isfinite(one) and math.isfinite(two) and one != two
    with pytest.raises(TrainingError, match="another run"):
        _train(tmp_path / "one", teachers=("bm25", "bm25"), **told)


def test_the_loss_of_a_student_that_scores_as_bm25_does_is_nothing() -> None:
    examples = Examples(dict(zip("abc", PASSAGES, strict=True)), (Query("q", "ab cd", positives=("a",)),))
    told = Translit(teachers=("bm25",), kl_weight=1.0, teacher_temperature=0.15)
    taught = teachers.Teachers(examples.queries, PASSAGES, told, Path())
    order, mask = np.array([[0, 1, 2]]), torch.zeros(1, 3, dtype=torch.bool)
    same = torch.from_numpy(Lexical(["ab cd"], PASSAGES).scores(np.array([0]), order))
    assert taught.loss(same, np.array([0]), order, 0.15, mask).item() == pytest.approx(0, abs=1e-5)
    assert taught.loss(-same, np.array([0]), order, 0.15, mask).item() > 1


def test_a_cross_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises((EncoderError, TrainingError), match="toy_encoder:nothing"):
        _train(tmp_path, teachers=("cross:toy_encoder:nothing",), kl_weight=1.0)
    assert not (tmp_path / "out").exists()


# ---- documents near each other


def test_a_batch_is_of_documents_near_each_other() -> None:
    """On a circle, four in a batch lie within eight; each query comes once."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    vectors = {f"d{i}": np.array([np.cos(a), np.sin(a)], np.float32) for i, a in enumerate(angles)}
    documents = [f"d{i % 64}" for i in range(256)]
    made = sampling.batches(documents, 4, seed=1, together=2, vectors=vectors)
    assert sorted(np.concatenate(made).tolist()) == list(range(256))
    apart = []
    for batch in made:
        counts = Counter(documents[query] for query in batch)
        assert len(counts) == 4 and set(counts.values()) == {2}
        apart.append(min(vectors[one] @ vectors[two] for one in counts for two in counts))
    assert np.median(apart) > np.cos(2 * np.pi * 8 / 64)
    again = sampling.batches(documents, 4, seed=1, together=2, vectors=vectors)
    assert all((a == b).all() for a, b in zip(made, again, strict=True))


def test_fewer_documents_than_a_batch_are_near_enough() -> None:
    vectors = {id: np.array([1.0, 0.0], np.float32) for id in "abc"}
    (batch,) = sampling.batches(["a", "b", "a", "c"], 8, seed=0, vectors=vectors)
    assert sorted(batch.tolist()) == [0, 1, 2, 3]


# ---- traded names


class _Tokenizer:
    def __init__(self, size: int, *special: int) -> None:
        self.all_special_ids = special
        self._size = size

    def __len__(self) -> int:
        return self._size


def _tokens(ids: list[int]) -> models.Tokens:
    return models.Tokens(np.array(ids, np.int32), np.array([0, len(ids)]), "document")


def test_subwords_as_frequent_trade_names() -> None:
    ids = [0] * 40 + [1] * 9 + [2] * 8 + [3] * 9 + [4, 5, 6, 6, 7, 7, 7] + [9] * 9
    renaming = Renaming(_tokens(ids), 1.0, _Tokenizer(12, 9))
    drawn = [renaming.drawn(np.random.default_rng(seed)) for seed in range(20)]
    for names in drawn:
        assert sorted(names.tolist()) == list(range(12))
        assert names[[0, 8, 9, 10, 11]].tolist() == [0, 8, 9, 10, 11]  # alone, not there, special
        assert set(names[[1, 2, 3]].tolist()) == {1, 2, 3} and set(names[[6, 7]].tolist()) == {6, 7}
    assert len({tuple(names.tolist()) for names in drawn}) > 5


def test_a_share_of_names_is_traded() -> None:
    renaming = Renaming(_tokens(list(range(1000))), 0.3, _Tokenizer(1000))
    traded = (renaming.drawn(np.random.default_rng(0)) != np.arange(1000)).mean()
    assert 0.25 < traded < 0.35
    none = Renaming(_tokens([]), 0.5, _Tokenizer(3, 0))
    assert (none.drawn(np.random.default_rng(0)) == np.arange(3)).all()


def test_names_change_what_is_encoded_as_if_the_texts_had(tmp_path: Path) -> None:
    encoder = models.Bi(
        models.load(str(tiny_models.dense(tmp_path)), "dense", Settings("translit", "", device="cpu")).eval(),
        "dense",
    )
    tokens = encoder.tokens(["αβγ δ", "ε"], "document", 32)
    names = np.random.default_rng(0).permutation(len(encoder.model.tokenizer))
    renamed = models.Tokens(names[tokens.ids].astype(np.int32), tokens.starts, "document")
    with torch.no_grad():
        found, wanted = encoder.vectors(tokens, [0, 1], names), encoder.vectors(renamed, [0, 1])
    assert torch.allclose(found, wanted) and not torch.allclose(found, encoder.vectors(tokens, [0, 1]))


@pytest.mark.parametrize(
    "wrong", [{"renamed": 0.5}, {"renamed": 1.5, "mix": 0.0}, {"near": True, "kind": "sparse"}], ids=str
)
def test_what_cannot_be_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="accepted"):
        Translit(**wrong)


def test_a_run_of_a_version_without_an_option_had_it_off(tmp_path: Path) -> None:
    ended = _train(tmp_path)
    config = tmp_path / "out" / "training" / "config.json"
    kept = json.loads(config.read_text())
    del kept["options"]["near"], kept["options"]["renamed"]
    config.write_text(json.dumps(kept))
    assert _train(tmp_path) == ended
    with pytest.raises(TrainingError, match="another run; options"):
        _train(tmp_path, near=True)


def test_both_train_and_go_on(tmp_path: Path) -> None:
    assert math.isfinite(_train(tmp_path, near=True, renamed=0.5))
    assert _train(tmp_path, near=True, renamed=0.5) == pytest.approx(_train(tmp_path, near=True, renamed=0.5))
