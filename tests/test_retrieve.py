"""The index of BM25: the same answers with a cache and without, whatever befell the cache."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from bench.corpora import retrieve
from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.ground.sums import SUMS

TEXTS = ["red cup", "blue cup of Zoë", "blue cup of Zoë", "green word", ""]
QUERIES = ["blue", "Zoë's red cup", "unheard", "word cup", ""]


def answers(retriever: Retriever, queries: list[str] = QUERIES) -> list[list[int]]:
    return [retriever.nearest(query, 3) for query in queries]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the indices that were built, in order."""
    sizes = list[int]()
    build = retrieve._build

    def counted(texts: list[str]) -> object:
        sizes.append(len(texts))
        return build(texts)

    monkeypatch.setattr(retrieve, "_build", counted)
    return sizes


def folder_of(cache: Path) -> Path:
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    return folder


def test_a_cached_index_answers_as_one_that_was_just_built(
    tmp_path: Path, built: list[int], toy_corpus: Corpus
) -> None:
    texts = list(toy_corpus.passages)
    queries = [row["question"] for row in toy_corpus.rows] + QUERIES
    plain = answers(Retriever(texts), queries)
    first = answers(Retriever(texts, tmp_path), queries)
    again = answers(Retriever(texts, tmp_path), queries)
    assert plain == first == again
    assert built == [len(texts)] * 2


def test_scores_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    random = Random(0)
    texts = [" ".join(random.choices("abcdefghijklmnop", k=9)) + f" w{i % 7}" for i in range(200)]
    Retriever(texts, tmp_path)
    plain, kept = Retriever(texts)._index, Retriever(texts, tmp_path)._index
    assert plain.vocab_dict == kept.vocab_dict
    for word in filter(None, plain.vocab_dict):
        assert plain.get_scores([word]).tobytes() == kept.get_scores([word]).tobytes()


def test_an_index_is_built_once_and_leaves_no_parts(tmp_path: Path, built: list[int]) -> None:
    for _ in range(3):
        Retriever(TEXTS, tmp_path / "a" / "b")
    assert built == [5]
    folder = folder_of(tmp_path / "a" / "b")
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"{folder.name}.lock"}


def test_without_a_cache_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Retriever(TEXTS)
    assert list(tmp_path.iterdir()) == []


def test_other_texts_and_another_bm25s_have_an_index_of_their_own(
    tmp_path: Path, built: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Retriever(TEXTS, tmp_path)
    Retriever(TEXTS[:3], tmp_path)
    Retriever(TEXTS[::-1], tmp_path)
    monkeypatch.setattr(retrieve, "version", lambda _: "99")
    Retriever(TEXTS, tmp_path)
    assert built == [5, 3, 5, 5]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def delete(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, flip, empty, delete])
def test_a_damaged_index_is_built_again(
    tmp_path: Path, built: list[int], damage: Callable[[Path], None]
) -> None:
    expected = answers(Retriever(TEXTS, tmp_path))
    names = sorted(path.name for path in folder_of(tmp_path).iterdir())
    assert len(names) >= 6
    for n, name in enumerate(names, 2):
        damage(folder_of(tmp_path) / name)
        assert answers(Retriever(TEXTS, tmp_path)) == expected
        assert len(built) == n, name
    assert answers(Retriever(TEXTS, tmp_path)) == expected
    assert len(built) == len(names) + 1


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"data.csc.index.npy": 1}', '{"x": ""}'])
def test_a_manifest_that_says_nothing_of_use_is_not_believed(
    tmp_path: Path, built: list[int], content: str
) -> None:
    Retriever(TEXTS, tmp_path)
    (folder_of(tmp_path) / SUMS).write_text(content)
    assert answers(Retriever(TEXTS, tmp_path)) == answers(Retriever(TEXTS))
    assert len(built) == 3


def test_a_build_that_was_killed_is_done_again(
    tmp_path: Path, built: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def killed(_: Path, __: Path) -> None:
            raise KeyboardInterrupt

        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            Retriever(TEXTS, tmp_path)
    (part,) = tmp_path.glob("*.part")
    (part / "half").write_bytes(b"")
    assert answers(Retriever(TEXTS, tmp_path)) == answers(Retriever(TEXTS))
    assert not (folder_of(tmp_path) / "half").exists()
    assert built == [5, 5, 5]
    assert not list(tmp_path.glob("*.part"))
