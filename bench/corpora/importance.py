"""Score the words of knowledge, so that compressing it later is pure and needs no model."""

import math
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.corpora.word_scores import Scored, Token, by_word
from bench.ground.bars import Bar
from bench.track import ConfigError

MAX_TOKENS = 512
"""What an LLMLingua-2 classifier reads at once, its two special tokens included."""
CHUNK_ENDS = frozenset({".", "\n"})
TEXTS_AT_ONCE = 256
CHUNKS_AT_ONCE = 32
WINDOW = 1024
"""Tokens that a language model is shown at once, fewer if its context is shorter."""


def frequency(texts: Mapping[str, Iterable[str]]) -> dict[str, dict[str, float]]:
    """Importance of each word by group: -log of its share among the group's words.

    The stand-in for LLMLingua-2 where no model may be loaded: common words carry little. Words
    are compared in lower case without their punctuation.
    """
    scores: dict[str, dict[str, float]] = {}
    for group, members in texts.items():
        counts = Counter(normal(word) for text in members for word in text.split())
        total = sum(counts.values())
        scores[group] = {word: -math.log(n / total) for word, n in counts.items()}
    return scores


def normal(word: str) -> str:
    """The word in lower case without the punctuation around it."""
    return word.lower().strip(string.punctuation)


def llmlingua2(
    checkpoint: str, texts: Sequence[str], *, length: Callable[[str], int] | None = None
) -> list[Scored]:
    """Importance = probability that LLMLingua-2 keeps the word, the mean over its tokens.

    `checkpoint` is a hub id or a folder; ConfigError if it has no classifier of two labels.
    `length` gives a word's `n_tokens`, by default the classifier's own tokens. The llmlingua
    package counts GPT-3.5's (tiktoken) tokens of the word as the classifier spells it, so with
    the leading "▁" of a SentencePiece vocabulary. It also decides on punctuation apart from
    the word it stands at, and drops what the vocabulary lacks; here a word is what blanks
    surround, its marks go where it goes, and an unknown token is scored as any other.
    """
    scored = keep_probabilities(checkpoint, texts)
    rows = zip(Bar(texts, what="scoring words", unit="text"), scored, strict=True)
    return [by_word(text, tokens, _mean, length) for text, tokens in rows]


def keep_probabilities(checkpoint: str, texts: Sequence[str]) -> Iterator[list[Token]]:
    """For each text its tokens with the probability of label 1, keep."""
    tokenizer, model = _classifier(checkpoint)
    for at in range(0, len(texts), TEXTS_AT_ONCE):
        group = texts[at : at + TEXTS_AT_ONCE]
        cuts = [_cuts(text, tokenizer) for text in group]
        parts = [text[a:b] for text, spans in zip(group, cuts, strict=True) for a, b in spans]
        encoded = [_encode(tokenizer, part) for part in parts]
        read = zip(encoded, _keep(model, tokenizer, [e.input_ids for e in encoded]), strict=True)
        for spans in cuts:
            tokens = list[Token]()
            for chunk, (first, _) in enumerate(spans):
                part, scores = next(read)
                pieces = tokenizer.convert_ids_to_tokens(part.input_ids)
                rows = zip(pieces, part.offset_mapping, scores, strict=False)
                tokens += [Token(p, first + a, score, chunk) for p, (a, _), score in rows]
            yield tokens


def _classifier(checkpoint: str) -> tuple[Any, Any]:
    """Tokenizer and model; ConfigError if they are missing, or not of this kind."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    from bench.students.student import device

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint)
        load: Any = AutoModelForTokenClassification.from_pretrained
        model, found = load(checkpoint, use_safetensors=True, output_loading_info=True)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"classifier '{checkpoint}' cannot be loaded: {str(error).splitlines()[0]} Give the"
            " hub id or folder of an LLMLingua-2 checkpoint with safetensors"
        ) from error
    # A missing head would be made of random weights, and score without a word of warning.
    if found["missing_keys"] or model.config.num_labels != 2:
        raise ConfigError(
            f"'{checkpoint}' is no token classifier of two labels: give an LLMLingua-2 checkpoint"
        )
    return tokenizer, model.float().eval().to(device())


def _encode(tokenizer: Any, text: str) -> Any:
    if not tokenizer.is_fast:
        raise ConfigError(
            f"{type(tokenizer).__name__} does not say where its tokens stand in the text: use a"
            " checkpoint with a tokenizer.json"
        )
    return tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)


def _cuts(text: str, tokenizer: Any) -> list[tuple[int, int]]:
    """First and last character + 1 of each chunk, cut where LLMLingua-2 cuts.

    A chunk ends at the last full stop that it has room for. It takes one token more than there
    is room for beside both special tokens, as the package's does.
    """
    encoded = _encode(tokenizer, text)
    pieces, offsets = encoded.tokens(), encoded.offset_mapping
    room = min(MAX_TOKENS, tokenizer.model_max_length) - 2
    spans, start = list[tuple[int, int]](), 0
    while start < len(pieces):
        last = len(pieces) - 1
        if last - start >= room:
            ends = (i for i in range(start + room, start, -1) if pieces[i] in CHUNK_ENDS)
            last = next(ends, start + room)
        spans.append((offsets[start][0], offsets[last][1]))
        start = last + 1
    return spans


def _keep(model: Any, tokenizer: Any, chunks: Sequence[list[int]]) -> list[list[float]]:
    """Probability of label 1 for each token of each chunk."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    # BERT's names for any tokenizer, so that XLM-R reads <unk> at both ends of a chunk: a fault
    # of the package (microsoft/LLMLingua issue 181, open) in all that was compressed with it.
    ends = [tokenizer.convert_tokens_to_ids(name) for name in ("[CLS]", "[SEP]")]
    before, after = ([i] if i is not None else [] for i in ends)
    limit = min(MAX_TOKENS, tokenizer.model_max_length)
    scores: list[list[float]] = [[] for _ in chunks]
    # The longest first: chunks that are alike in length need little padding.
    order = sorted(range(len(chunks)), key=lambda i: -len(chunks[i]))
    for at in range(0, len(order), CHUNKS_AT_ONCE):
        batch = order[at : at + CHUNKS_AT_ONCE]
        # The closing token is what a chunk with one token too many loses, as in the package.
        rows = [torch.tensor((before + chunks[i] + after)[:limit]) for i in batch]
        ids = pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id or 0)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        with torch.inference_mode():
            logits = model(
                input_ids=ids.to(model.device), attention_mask=mask.to(model.device)
            ).logits
        for i, row in zip(batch, logits.softmax(-1)[..., 1].tolist(), strict=True):
            scores[i] = row[len(before) : min(limit, len(before) + len(chunks[i]))]
    return scores


def self_information(model: Any, tokenizer: Any, texts: Sequence[str]) -> list[Scored]:
    """Importance = -log p(word | all that stands left of it), in nats, under a causal LM.

    Selective Context (Li et al. 2023), on words. The tokens' values are summed: by the chain
    rule that is the word's own probability, whatever pieces it is cut into, where a mean would
    rank a long rare word below a short one. The first token follows the tokenizer's bos, else
    its eos, which ends the document before; without either it costs log V, as a uniform guess.
    Texts beyond the context are read in windows that overlap by half.
    """
    was_training = model.training
    model.eval()
    scored = list[Scored]()
    for text in Bar(texts, what="scoring words", unit="text"):
        encoded = _encode(tokenizer, text)
        ids, starts = encoded.input_ids, [a for a, _ in encoded.offset_mapping]
        given = tokenizer.bos_token_id
        given = tokenizer.eos_token_id if given is None else given
        if given is None:
            costs = [math.log(len(tokenizer)), *_surprisal(model, ids)]
        else:
            costs = _surprisal(model, [given, *ids])
        rows = zip(encoded.tokens(), starts, costs, strict=False)
        tokens = [Token(piece, start, cost, 0) for piece, start, cost in rows]
        scored.append(by_word(text, tokens, sum))
    model.train(was_training)
    return scored


def _surprisal(model: Any, ids: list[int]) -> list[float]:
    """-log p of each token but the first, in nats."""
    import torch

    window = min(WINDOW, getattr(model.config, "max_position_embeddings", WINDOW))
    costs = list[float]()
    while (done := len(costs) + 1) < len(ids):
        start = 0 if done == 1 else done - window // 2
        part = torch.tensor([ids[start : start + window]], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=part).logits[0, done - start - 1 : -1].float()
            new = torch.nn.functional.cross_entropy(
                logits, part[0, done - start :], reduction="none"
            )
        costs += new.tolist()
    return costs


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)
