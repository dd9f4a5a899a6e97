"""Recipe vocab: Latin subwords for native ones, for three kinds of tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")
pytest.importorskip("uroman")

import tiny_models
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from scriptbridge.channel import Channel
from scriptbridge.errors import GapError, LanguageError, TrainingError
from scriptbridge.gap import authors
from scriptbridge.train import vocab, vocabulary
from scriptbridge.train.vocab import Vocab

LETTERS = dict.fromkeys(tiny_models.LETTERS)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["سلام", "کتاب", "москва", "книга", "мир", "миръ"]
NATIVE = ["سلام کتاب", "москва", "книга мир", "миръ سلام!", "привет, мир"]
KINDS = ("WordPiece", "Unigram", "BPE")


def wordpiece(words: list[str]) -> Tokenizer:
    letters = list(LETTERS)
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *words, "##книга"]
    made = Tokenizer(models.WordPiece({piece: id for id, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def unigram(words: list[str]) -> Tokenizer:
    pieces = [(special, 0.0) for special in SPECIAL]
    pieces += [(f"▁{word}", -8.0 - at) for at, word in enumerate(words)]
    pieces += [("▁", -3.0), *((letter, -6.0) for letter in LETTERS)]
    made = Tokenizer(models.Unigram(pieces, 1, False))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.add_special_tokens(["<after>"])  # an id after the vocabulary's
    return made


def bpe(words: list[str]) -> Tokenizer:
    letter_of = {byte: letter for letter, byte in vocabulary._byte_of().items()}
    merges: dict[tuple[str, str], None] = {("s", "a"): None, ("l", "a"): None}
    for word in words:
        letters = ["".join(letter_of[byte] for byte in letter.encode()) for letter in f" {word}"]
        for letter in letters[1:]:
            if len(letter) > 1:
                merges[letter[0], letter[1]] = None
        for end in range(1, len(letters)):
            merges["".join(letters[:end]), letters[end]] = None
    pieces = [*SPECIAL, *sorted(letter_of.values()), *map("".join, merges)]
    made = Tokenizer(models.BPE({piece: id for id, piece in enumerate(pieces)}, list(merges)))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<after>"])
    return made


MAKERS = {"WordPiece": wordpiece, "Unigram": unigram, "BPE": bpe}


def fast(kind: str, words: list[str]) -> Any:
    """The tokenizer as transformers has it."""
    from transformers import PreTrainedTokenizerFast

    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    special = {f"{name}_token": token for name, token in names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=MAKERS[kind](words), model_max_length=64, **special)


def few(author: str = "channel", **others: Any) -> Vocab:
    """Options for vocabularies as small as these."""
    return Vocab(author, least=1, **others)


def tiny(folder: Path, kind: str, words: list[str] = WORDS, head: bool = False) -> str:
    """A tiny BERT with that tokenizer, as a sentence-transformers folder; with a `head`, a SPLADE."""
    import torch
    from sentence_transformers import SentenceTransformer, SparseEncoder
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertForMaskedLM, BertModel

    tokenizer = fast(kind, words)
    torch.manual_seed(0)
    config = tiny_models._config(0)
    config.vocab_size = len(tokenizer)
    made = (BertForMaskedLM if head else BertModel)(config)
    made.save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    if head:
        SparseEncoder(str(folder / "bert"), device="cpu").save(str(folder / "model"))
    else:
        modules = [Transformer(str(folder / "bert")), Pooling(32, pooling_mode="mean")]
        SentenceTransformer(modules=modules, device="cpu").save(str(folder / "model"))
    return str(folder / "model")


def load(folder: str | Path) -> Any:
    """The model, its weights copied: where they lie in a file changes the last bits of a CPU's products."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    return model


def pieces(model: Any, text: str) -> list[str]:
    read: list[str] = model.tokenizer.tokenize(text)
    return read


def embedding(model: Any, piece: str) -> np.ndarray:
    weight = model[0].auto_model.get_input_embeddings().weight
    row: np.ndarray = weight[model.tokenizer.convert_tokens_to_ids(piece)].detach().numpy()
    return row


def embedding_rows(model: Any) -> Any:
    return model[0].auto_model.get_input_embeddings().weight


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


# ---- what every kind of tokenizer must hold to


@pytest.fixture(scope="module", params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A kind, its model as it was and as it became, the record, and where."""
    folder = tmp_path_factory.mktemp(request.param)
    before, after = tiny(folder, request.param), folder / "after"
    result = vocab.apply(before, ["fa", "ru"], after, few("channel:2"))
    return request.param, load(before), load(after), result, after


def test_native_texts_are_read_and_encoded_as_before_bit_for_bit(both: Any) -> None:
    _, before, after, _, _ = both
    assert [before.tokenizer(text)["input_ids"] for text in NATIVE] == [
        after.tokenizer(text)["input_ids"] for text in NATIVE
    ]
    for text in NATIVE:
        assert (before.encode(text) == after.encode(text)).all()
    assert (before.encode(NATIVE) == after.encode(NATIVE)).all()


def test_latin_words_are_read_in_the_new_subwords_and_come_nearer(both: Any) -> None:
    kind, before, after, _, _ = both
    mark = {"WordPiece": "", "Unigram": "▁", "BPE": "Ġ"}[kind]
    for native, latin in {"москва": "moskva", "книга": "kniga", "سلام": "slam"}.items():
        assert len(pieces(before, latin)) > 1
        assert pieces(after, latin) == [mark + latin]
        was = cosine(before.encode(native), before.encode(latin))
        assert cosine(after.encode(native), after.encode(latin)) > max(was, 0.999)


def test_old_subwords_keep_their_ids_and_embeddings(both: Any) -> None:
    _, before, after, result, _ = both
    old, new = before.tokenizer.get_vocab(), after.tokenizer.get_vocab()
    assert old.items() <= new.items()
    assert len(new) == len(old) + result.added + result.joints
    was = before[0].auto_model.get_input_embeddings().weight
    now = after[0].auto_model.get_input_embeddings().weight
    assert len(now) == len(new)
    assert (now[: len(was)] == was).all()
    assert sorted(new.values()) == list(range(len(new)))


def test_the_record_says_what_came_of_it(both: Any) -> None:
    kind, _, _, result, folder = both
    assert result.reached == 1.0
    assert result.native >= len(WORDS)
    assert (result.joints > 0) == (kind == "BPE")
    assert result.merged >= 1  # мир and миръ
    assert json.loads((folder / "training" / "result.json").read_text())["added"] == result.added
    config = json.loads((folder / "training" / "config.json").read_text())
    assert (config["recipe"], config["languages"], config["mode"]) == ("vocab", ["fa", "ru"], "max")
    lines = (folder / "training" / "subwords.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + result.added + result.existing
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "TransMI" in card
    assert "metrics.jsonl" not in card
    assert not list(folder.parent.glob("*.unfinished"))


def test_it_is_the_same_each_time(both: Any, tmp_path: Path) -> None:
    kind, _, after, result, _ = both
    again = tmp_path / "again"
    assert vocab.apply(tiny(tmp_path, kind), ["fa", "ru"], again, few("channel:2")) == result
    assert load(again).tokenizer.get_vocab() == after.tokenizer.get_vocab()
    assert (load(again).encode("slam moskva") == after.encode("slam moskva")).all()


# ---- modes

SOURCES = ("мир", "миръ")  # both "mir"; the first is the likelier


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["max", "average", "min"])
def test_modes_choose_among_sources(tmp_path: Path, kind: str, mode: vocab.Mode) -> None:
    before = load(tiny(tmp_path, kind))
    result = vocab.apply(str(tmp_path / "model"), [], tmp_path / "after", few("uroman", mode=mode))
    after = load(tmp_path / "after")
    mark = {"WordPiece": "", "Unigram": "▁", "BPE": "Ġ"}[kind]
    of_bytes = {byte: letter for letter, byte in vocabulary._byte_of().items()}
    first, second = (
        embedding(before, mark + ("".join(of_bytes[b] for b in word.encode()) if kind == "BPE" else word))
        for word in SOURCES
    )
    expected = {"max": first, "average": (first + second) / 2, "min": second}[mode]
    assert np.allclose(embedding(after, f"{mark}mir"), expected, atol=1e-7)
    assert result.merged >= 1
    if kind == "Unigram":
        scores = dict(json.loads(after.tokenizer.backend_tokenizer.to_str())["model"]["vocab"])
        of = [scores[f"▁{word}"] for word in SOURCES]
        assert scores["▁mir"] == pytest.approx({"max": of[0], "average": sum(of) / 2, "min": of[1]}[mode])


def test_latin_subwords_that_are_there_stay_or_are_averaged(tmp_path: Path) -> None:
    before = load(tiny(tmp_path, "WordPiece", [*WORDS, "kniga"]))
    own, native = embedding(before, "kniga"), embedding(before, "книга")
    for existing, expected in (("keep", own), ("average", (own + native) / 2)):
        options = few("uroman", existing=existing)
        result = vocab.apply(str(tmp_path / "model"), ["ru"], tmp_path / existing, options)
        assert result.existing >= 1
        after = load(tmp_path / existing)
        assert np.allclose(embedding(after, "kniga"), expected, atol=1e-7)
        assert (after.encode("книга") == before.encode("книга")).all()


# ---- details


def test_continuations_stay_continuations(tmp_path: Path) -> None:
    vocab.apply(tiny(tmp_path, "WordPiece"), ["ru"], tmp_path / "after", few())
    assert pieces(load(tmp_path / "after"), "xkniga") == ["x", "##kniga"]


def test_capitals_are_kept_and_written_small_too() -> None:
    assert vocab._cased("Москва", "moskva") == ("moskva", "Moskva")
    assert vocab._cased("США", "ssha") == ("ssha", "SSHA")
    assert vocab._cased("سلام", "salam") == ("salam",)


def test_the_likeliest_spellings_are_likelier_than_any_drawn() -> None:
    channel = Channel.load("fa")
    best = vocab.likeliest(channel, "کتاب", 3)
    assert len(set(best)) == 3
    scores = [channel.score("کتاب", latin) for latin in best]
    assert scores == sorted(scores, reverse=True)
    drawn = set(channel.sample("کتاب", 300, seed=1)) - set(best)
    assert max(channel.score("کتاب", latin) for latin in drawn) < scores[-1]
    assert vocab.likeliest(channel, "москва", 3) == []
    assert vocab.likeliest(channel, "", 3) == []


def test_merges_reach_every_subword_whatever_their_order() -> None:
    """The new merges, run by the library, against the new subwords."""
    new = ["Ġsalam", "Ġsala", "Ġalasala", "Ġsalaam", "Ġkniga", "Ġknigami", "alam", "Ġs", "Ġlalala"]
    words = vocabulary.Vocabulary(json.loads(bpe(WORDS).to_str()), "a test")
    joints = words.add({piece: [7] for piece in new}, "max")
    made = Tokenizer.from_str(json.dumps(words.description))
    for piece in new:
        begins = piece.startswith("Ġ")
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=begins)
        assert made.encode(piece.removeprefix("Ġ")).tokens == [piece]
    for joint, (left, right) in joints:
        assert joint == left + right
        assert words.ids[joint] > max(words.ids[left], -1)


def test_byte_level_letters_are_the_librarys() -> None:
    assert set(vocabulary._byte_of()) == set(pre_tokenizers.ByteLevel.alphabet())
    text = "".join(
        letter for part, _ in pre_tokenizers.ByteLevel(False).pre_tokenize_str("мир سلام") for letter in part
    )
    assert vocabulary._of_bytes(text) == "мир سلام"
    assert vocabulary._of_bytes(text[:1]) == ""


def test_a_later_author_gives_what_no_earlier_one_gave(tmp_path: Path) -> None:
    """нос and нс: the second's form without its vowel is the first's own."""
    model = tiny(tmp_path / "before", "WordPiece", ["нос", "нс", "мир"])
    vocab.apply(model, ["ru"], tmp_path / "after", few("channel,channel:3+vowels=1"))
    lines = (tmp_path / "after" / "training" / "subwords.tsv").read_text(encoding="utf-8").splitlines()
    sources = dict(line.split("\t") for line in lines[1:])
    assert (sources["nos"], sources["ns"], sources["mr"]) == ("нос", "нс", "мир")


def test_subwords_that_are_no_words_are_left_by_other_authors(tmp_path: Path) -> None:
    """uroman would read ाम (aam) as म (ma)."""
    words = ["राम", "नाम"]
    model = tiny(tmp_path, "WordPiece", [*words, "##ाम"])
    vocab.apply(model, ["hi"], tmp_path / "uroman", few("uroman"))
    vocab.apply(model, ["hi"], tmp_path / "channel", few())
    tables = {
        author: (tmp_path / author / "training" / "subwords.tsv").read_text(encoding="utf-8").split()
        for author in ("uroman", "channel")
    }
    assert "##ाम" not in tables["uroman"]
    assert "##म" in tables["uroman"]
    assert tables["channel"][tables["channel"].index("##ाम") - 1] == "##am"


def test_a_sparse_encoders_terms_keep_their_weights(tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder

    before = tiny(tmp_path, "WordPiece", head=True)
    vocab.apply(before, ["ru"], tmp_path / "after", few(kind="sparse"))
    old, new = SparseEncoder(before, device="cpu"), SparseEncoder(str(tmp_path / "after"), device="cpu")
    was, now = (model.encode("москва мир", convert_to_sparse_tensor=False).numpy() for model in (old, new))
    assert np.allclose(was, now[: len(was)], atol=1e-6)
    ids = new.tokenizer.convert_tokens_to_ids
    assert now[ids("moskva")] == pytest.approx(now[ids("москва")], abs=1e-6)


def test_a_cross_encoder_scores_native_pairs_as_before(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder
    from transformers import BertForSequenceClassification

    tokenizer = fast("WordPiece", WORDS)
    config = tiny_models._config(0)
    config.vocab_size, config.num_labels = len(tokenizer), 1
    BertForSequenceClassification(config).save_pretrained(tmp_path / "before")
    tokenizer.save_pretrained(tmp_path / "before")
    vocab.apply(str(tmp_path / "before"), ["ru"], tmp_path / "after", few("uroman", kind="cross"))
    before, after = (
        CrossEncoder(str(tmp_path / name), device="cpu").predict([("москва", "книга"), ("moskva", "книга")])
        for name in ("before", "after")
    )
    assert after == pytest.approx([before[0], before[0]], abs=1e-6)
    assert before[1] != pytest.approx(before[0], abs=1e-4)


def test_weights_stay_in_the_precision_they_are_kept_in(tmp_path: Path) -> None:
    model = load(tiny(tmp_path, "WordPiece")).bfloat16()
    model.save(str(tmp_path / "half"))
    vocab.apply(str(tmp_path / "half"), ["ru"], tmp_path / "after", few())
    before, after = load(tmp_path / "half"), load(tmp_path / "after")
    assert {p.dtype for p in after.parameters()} == {p.dtype for p in before.parameters()}
    assert str(next(after.parameters()).dtype) == "torch.bfloat16"
    assert (embedding_rows(after)[: len(embedding_rows(before))] == embedding_rows(before)).all()


# ---- errors


def test_a_vocabulary_without_subwords_of_the_script(tmp_path: Path) -> None:
    model = tiny(tmp_path, "WordPiece")
    with pytest.raises(TrainingError, match=r"72 subwords in Grek, 0 of them of two"):
        vocab.apply(model, ["el"], tmp_path / "after", few())
    with pytest.raises(TrainingError, match=r"in Cyrl, 5 of them of two letters or more \(least: 100\)"):
        vocab.apply(model, ["ru"], tmp_path / "after")
    with pytest.raises(TrainingError, match="no subword in Sinh"):
        vocab.apply(model, ["si"], tmp_path / "after", few())
    assert not (tmp_path / "after").exists()


def test_nothing_new(tmp_path: Path) -> None:
    (latin,) = authors.write("uroman", {"a": "අත"}, "si").texts["a"]
    model = tiny(tmp_path, "WordPiece", ["අත", latin])
    with pytest.raises(TrainingError, match="are all there already"):
        vocab.apply(model, ["si"], tmp_path / "after", few("uroman"))


def test_what_cannot_be_done_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="kind 'WordLevel'"):
        vocabulary.Vocabulary(json.loads(Tokenizer(models.WordLevel({"a": 0}, "a")).to_str()), "m")
    marked = Tokenizer(models.BPE({"a</w>": 0}, [], end_of_word_suffix="</w>"))
    with pytest.raises(TrainingError, match="at the end of words"):
        vocabulary.Vocabulary(json.loads(marked.to_str()), "m")
    model = tiny(tmp_path, "WordPiece")
    with pytest.raises(LanguageError, match="languages are needed"):
        vocab.apply(model, [], tmp_path / "after", few())
    with pytest.raises(LanguageError, match="xx"):
        vocab.apply(model, ["xx"], tmp_path / "after")
    with pytest.raises(GapError, match="no such author"):
        vocab.apply(model, ["ru"], tmp_path / "after", few("nobody"))
    with pytest.raises(TrainingError, match="mode 'most' came; accepted: max, average, min"):
        Vocab(mode="most")  # type: ignore[arg-type]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(TrainingError, match="holds other files"):
        vocab.apply(model, ["ru"], tmp_path / "full")
    with pytest.raises(TrainingError, match="there is no folder"):
        vocab.apply(str(tmp_path / "none"), ["ru"], tmp_path / "after")
