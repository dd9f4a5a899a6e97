"""Recipe `subwords`: what the tokenizer reads, where embeddings begin, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

import tiny_models
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder

from scriptbridge.errors import TrainingError
from scriptbridge.train import subwords
from scriptbridge.train.subwords import Subwords

TEXTS = ["سلام دنیا و سلام دوست hello", "کتاب خوب و دوست خوب", "دنیای کتاب سلام دوستان"] * 3


def _tokens(model: SentenceTransformer, text: str) -> list[str]:
    return model.tokenizer.tokenize(text)  # type: ignore[no-any-return]


def test_words_become_subwords_and_embeddings_begin_as_the_mean_of_their_letters(tmp_path: Path) -> None:
    folder = tiny_models.dense(tmp_path)
    learned = subwords.extend(str(folder), TEXTS, tmp_path / "out")
    old, new = SentenceTransformer(str(folder)), SentenceTransformer(str(tmp_path / "out"))
    assert _tokens(old, "سلام دوستان") == ["س", "##ل", "##ا", "##م", "د", "##و", "##س", "##ت", "##ا", "##ن"]
    assert _tokens(new, "سلام") == ["سلام"]
    assert learned.added > 0 and learned.after < learned.before / 2

    def row(model: SentenceTransformer, piece: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        weights = model[0].auto_model.get_input_embeddings().weight
        return weights[model.tokenizer.get_vocab()[piece]].detach().numpy()  # type: ignore[no-any-return]

    mean = np.mean([row(old, piece) for piece in ("س", "##ل", "##ا", "##م")], axis=0)
    np.testing.assert_allclose(row(new, "سلام"), mean, atol=1e-6)


def test_texts_in_ascii_are_read_and_encoded_as_before(tmp_path: Path) -> None:
    folder = tiny_models.dense(tmp_path)
    subwords.extend(str(folder), [*TEXTS, "hello world hello"], tmp_path / "out")
    old, new = SentenceTransformer(str(folder)), SentenceTransformer(str(tmp_path / "out"))
    for text in ("hello world", "salam donya"):
        assert _tokens(old, text) == _tokens(new, text)
        np.testing.assert_allclose(old.encode(text), new.encode(text), atol=1e-6)


def test_sparse_and_cross_encoders(tmp_path: Path) -> None:
    subwords.extend(str(tiny_models.sparse(tmp_path)), TEXTS, tmp_path / "s", Subwords(kind="sparse"))
    size = len(SparseEncoder(str(tmp_path / "s")).tokenizer)
    assert SparseEncoder(str(tmp_path / "s")).encode(["سلام"]).shape == (1, size)
    subwords.extend(str(tiny_models.cross(tmp_path)), TEXTS, tmp_path / "c", Subwords(kind="cross"))
    assert np.isfinite(CrossEncoder(str(tmp_path / "c")).predict([("سلام", "دنیا")])).all()


def test_a_size_is_kept_and_the_run_says_what_it_did(tmp_path: Path) -> None:
    learned = subwords.extend(
        str(tiny_models.dense(tmp_path)), TEXTS, tmp_path / "out", Subwords(size=60, least=2)
    )
    assert learned.added <= 60
    config = json.loads((tmp_path / "out" / "training" / "config.json").read_text())
    assert (config["recipe"], config["size"], config["least"]) == ("subwords", 60, 2)
    rows = (tmp_path / "out" / "training" / "subwords.tsv").read_text().splitlines()
    assert len(rows) == 1 + learned.added


@pytest.mark.parametrize("texts", [[], ["hello hello hello"], ["漢"] * 9], ids=["none", "ascii", "unknown"])
def test_texts_with_nothing_to_learn_are_refused(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(TrainingError, match="nothing in these"):
        subwords.extend(str(tiny_models.dense(tmp_path)), texts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    with pytest.raises(TrainingError, match="empty folder"):
        subwords.extend(str(tiny_models.dense(tmp_path)), TEXTS, tmp_path / "out")


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": 10**18}, {"least": 0}, {"least": 10**30}, {"kind": "x"}]
)
def test_options_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(TrainingError, match="accepted"):
        Subwords(**wrong)  # type: ignore[arg-type]
