"""The words of the pocket suite as a tokenizer: one token a word, a number or a fixed phrase."""

from typing import TYPE_CHECKING

from tasks.pocket.world import COLOURS, NAMES, PLACES, RELATIONS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PHRASES = (
    'Your response should conclude with the format "Therefore, the answer is".',
    "\n\nQuestion:",
    "\nAnswer:",
    "\nAnswer: Let's think step by step.",
    " Therefore, the answer is",
    "\nTherefore, the answer is",
    "\nRationale:",
    "\n[Explanation Generation]:",
    "\n[Answer Prediction]:",
    "\n\nHere is knowledge that may help:",
    "\n\nAn expert teacher left this summary and knowledge to guide you:",
    "\n[1]",
    "\n[2]",
    "\n[3]",
)
"""Wording of the prompts that the student reads as one token each."""

SPECIAL = ("<pad>", "<eos>", "<unk>")
PUNCTUATION = (".", ",", ":", "?", "\n")
ADJECTIVES = ("old", "new", "tall", "calm")
WORDS = (
    *("adds", "takes", "swaps", "and", "costs", "becomes", "times", "is", "total", "best"),
    *("start", "do", "we", "have", "then", "result", "on", "the", "which", "cups", "from"),
    *("follow", "who", "it", "buy", "of", "dearest", "has", "read", "words", "in", "turn"),
    *("each", "word", "changes", "number", "ten", "moves", "colours", "find", "cup", "with"),
    *("person", "last", "goods", "count", "price", "add", "all", "for", "its", "keep", "one"),
    *("two", "knowledge", "rule", "rules", "look", "up", "a", "so", "answer", "question"),
    *RELATIONS,
    *PLACES,
    *COLOURS,
    *ADJECTIVES,
    *(str(n) for n in range(140)),
    *NAMES,
)


def build_tokenizer() -> "PreTrainedTokenizerFast":
    """A fast tokenizer whose decoding gives the text back, blanks included."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = dict.fromkeys((*SPECIAL, *PUNCTUATION, *(f" {word}" for word in WORDS)))
    tokenizer = Tokenizer(
        models.WordLevel({token: i for i, token in enumerate(vocabulary)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r" ?[A-Za-z0-9]+|[^A-Za-z0-9 ]| "), behavior="isolated"
    )
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_tokens(  # pyright: ignore[reportUnknownMemberType]
        [AddedToken(phrase, normalized=False) for phrase in PHRASES]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )
