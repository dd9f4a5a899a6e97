"""Tiny models for tests: random weights of a seed, a WordPiece vocabulary of letters, in well under a second.

torch and transformers are imported when a model is made, so that tests without them can be collected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["DIMENSION", "LETTERS", "POSITIONS", "cross", "dense", "sparse", "tokenizer"]

DIMENSION = 32
POSITIONS = 64  # tokens a model can read

LETTERS = "".join(
    [
        "abcdefghijklmnopqrstuvwxyz0123456789?!.,:'-",
        "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
        "اآبپتثجچحخدذرزژسشصضطظعغفقکكگلمنوهیيئءأؤة",
        "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौं्ँ़",
        "অআইঈউএওকখগঘচছজঝটঠডঢণতথদধনপফবভমযরলশষসহািীুূেো্ংড়",
    ]
)
"""Lower case; each also continues a word."""


def dense(folder: Path, seed: int = 0, prompts: dict[str, str] | None = None, max_length: int = 32) -> Path:
    """A SentenceTransformer: a BERT of two layers and `DIMENSION`, mean pooling, no normalisation."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertModel

    _save(BertModel(_config(seed)), folder / "bert")
    modules = [Transformer(str(folder / "bert")), Pooling(DIMENSION, pooling_mode="mean")]
    model = SentenceTransformer(modules=modules, device="cpu", prompts=prompts)
    model.max_seq_length = max_length
    model.save(str(folder / "dense"), create_model_card=False)
    return folder / "dense"


def sparse(folder: Path, seed: int = 0) -> Path:
    """A SparseEncoder as SPLADE is: a BERT's word predictions, the largest of a text's."""
    from sentence_transformers import SparseEncoder
    from transformers import BertForMaskedLM

    _save(BertForMaskedLM(_config(seed)), folder / "mlm")
    model = SparseEncoder(str(folder / "mlm"), device="cpu")
    model.save(str(folder / "sparse"), create_model_card=False)
    return folder / "sparse"


def cross(folder: Path, seed: int = 0, labels: int = 1) -> Path:
    """A CrossEncoder of one score."""
    from sentence_transformers import CrossEncoder
    from transformers import BertForSequenceClassification

    config = _config(seed)
    config.num_labels = labels
    _save(BertForSequenceClassification(config), folder / "scored")
    model = CrossEncoder(str(folder / "scored"), device="cpu")
    model.save_pretrained(str(folder / "cross"))
    return folder / "cross"


def tokenizer() -> Any:
    """A fast WordPiece tokenizer that knows `LETTERS` and nothing longer."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertTokenizerFast

    made = Tokenizer(models.WordPiece(_vocabulary(), unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    vocabulary = _vocabulary()
    made.post_processor = processors.BertProcessing(
        ("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"])
    )
    return BertTokenizerFast(tokenizer_object=made, strip_accents=False, model_max_length=POSITIONS)


def _vocabulary() -> dict[str, int]:
    """Ids of words, those of BERT's special ones first."""
    letters = dict.fromkeys(LETTERS)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    return {word: at for at, word in enumerate(words)}


def _config(seed: int) -> Any:
    import torch
    from transformers import BertConfig

    torch.manual_seed(seed)
    return BertConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=DIMENSION,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * DIMENSION,
        max_position_embeddings=POSITIONS,
        initializer_range=0.2,  # so that texts differ
    )


def _save(model: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
