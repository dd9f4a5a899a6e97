"""MTEB's Belebele across scripts: how much of what native questions find Latin ones find, too.

    pip install 'scriptbridge[neural]' mteb
    python examples/belebele.py BAAI/bge-m3 my-encoder

Belebele (Bandarkar et al., ACL 2024) has five of scriptbridge's languages in both scripts, written by people.
The passages are in native script; MTEB's task BelebeleRetrieval pairs them with questions in either. It is
downloaded from the hub: this needs a network. Where it was written there is none: with mteb 2.26 it has been
run on made-up texts alone, and no figure of it is known.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

TASK = "BelebeleRetrieval"
NATIVE = ("arb_Arab", "ben_Beng", "hin_Deva", "sin_Sinh", "urd_Arab")


def pair(passages: str, latin: bool) -> str:
    """The task's subset of these passages and the questions in that or in Latin script."""
    questions = f"{passages.partition('_')[0]}_Latn" if latin else passages
    return f"{passages}-{questions}"


def main(models: Sequence[str]) -> None:
    """Print nDCG@10 of each model, by name or folder, in each language."""
    import mteb
    from sentence_transformers import SentenceTransformer

    subsets = [pair(each, latin) for each in NATIVE for latin in (False, True)]
    task = mteb.get_task(TASK, hf_subsets=subsets)
    for name in models:
        result = mteb.evaluate(SentenceTransformer(name), task, cache=None)
        scores = {each["hf_subset"]: each["main_score"] for each in result.task_results[0].scores["test"]}
        print(f"{name}\tnative\tLatin\tkept")
        for each in NATIVE:
            native, latin = scores[pair(each, False)], scores[pair(each, True)]
            print(f"{each}\t{native:.3f}\t{latin:.3f}\t{latin / native:.0%}" if native else f"{each}\t.000")


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("usage: python examples/belebele.py MODEL...")
    main(sys.argv[1:])
