"""Sections of LEADERBOARD.md as HTML: tables, notes and pictures, whatever text is in them."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from leaderboard.show.pages import Told

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_PART = re.compile(r"^### (.+)$", re.MULTILINE)
_PICTURE = re.compile(r"^!\[([^\]\n]*)\]\(pictures/([^)\n]+)\)$", re.MULTILINE)
_IMAGE = Markup(
    '<figure class="picture"><img alt="{}" src="data:image/svg+xml;base64,{}"></figure>'
)


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under one title."""

    title: str
    body: Markup


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of LEADERBOARD.md, what stands right below it, and its parts."""

    title: str
    intro: Markup
    parts: list[Part]


def sections(told: Told) -> list[Section]:
    """The sections of a piece of LEADERBOARD.md."""
    _, *found = _SECTION.split(told.text)
    return [_section(title, body, told.pictures) for title, body in _twos(found)]


def html(text: str, title: str) -> Markup:
    """Markdown of tables and sentences as HTML; tables stand in boxes of that title.

    Records name what is in it, so nothing else is understood: no HTML, no links, no images.
    """
    parser = MarkdownIt("zero", {"html": False}).enable(["table", "backticks", "emphasis"])
    tokens = parser.parse(text)
    _dress(tokens)
    body = parser.renderer.render(tokens, parser.options, {})
    box = f'<div class="box" role="region" tabindex="0" aria-label="{escape(title)}: table"><table>'
    return Markup(body.replace("<table>", box).replace("</table>", "</table></div>"))


def _section(title: str, body: str, pictures: Mapping[str, str]) -> Section:
    intro, *found = _PART.split(body)
    parts = [Part(name, _html(text, name, pictures)) for name, text in _twos(found)]
    return Section(title, _html(intro, title, pictures), parts)


def _html(text: str, title: str, pictures: Mapping[str, str]) -> Markup:
    """The Markdown with each picture in its place, as data: an SVG file of the board's making."""
    parts, done = list[Markup](), 0
    for match in _PICTURE.finditer(text):
        alt, name = match.groups()
        data = b64encode(pictures[name].encode()).decode()
        parts += [html(text[done : match.start()], title), _IMAGE.format(alt, data)]
        done = match.end()
    return Markup("").join([*parts, html(text[done:], title)])


def _twos(found: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each title with the text below it."""
    return zip(found[::2], found[1::2], strict=True)


def _dress(tokens: Sequence[Token]) -> None:
    """Cells by a class in the place of a style, which the page forbids; scopes for readers."""
    is_first = False
    for token in tokens:
        if token.type == "tr_open":
            is_first = True
        elif token.type in ("th_open", "td_open"):
            if token.attrs.pop("style", "") == "text-align:right":
                token.attrs["class"] = "number"
            if token.type == "th_open":
                token.attrs["scope"] = "col"
            elif is_first:
                token.attrs["scope"] = "row"
        if is_first and token.type in ("td_open", "td_close"):
            token.tag = "th"
        if token.type in ("th_close", "td_close"):
            is_first = False
