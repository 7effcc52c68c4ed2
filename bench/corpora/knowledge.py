"""The two parts of a text of symbolic knowledge."""

import re

PARTS = SUMMARY, SUPPLEMENTARY = "learning summary", "supplementary knowledge"
_LABEL = re.compile(
    rf"(?:^[ \t#*_>]*(?:\d+[.)][ \t]*)?|\b)({SUMMARY}|{SUPPLEMENTARY})[ \t*_]*(?::[ \t*_]*|$)",
    re.IGNORECASE | re.MULTILINE,
)


def knowledge_parts(text: str) -> tuple[str, str]:
    """Learning summary and supplementary knowledge of a reply; "" for a part that is missing."""
    labels = list(_LABEL.finditer(text))
    # Each part ends where the next label begins.
    ends = [*(label.start() for label in labels), len(text)][1:]
    parts: dict[str, str] = dict.fromkeys(PARTS, "")
    for label, end in zip(labels, ends, strict=True):
        name = label[1].lower()
        parts[name] = parts[name] or _bare(text[label.end() : end])
    return parts[SUMMARY], parts[SUPPLEMENTARY]


def _bare(part: str) -> str:
    """Without the brackets around the whole; "" for a placeholder."""
    part = part.strip()
    if part.startswith("[") and part.endswith("]"):
        part = part[1:-1].strip()
    said = re.search(r"[^\W\d_]", part)
    return part if said and part.casefold() != "a numbered list" else ""
