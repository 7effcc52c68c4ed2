"""The page in a real browser, from a file: what a reader does with it, by mouse and by keys."""

import shutil

import pytest

from leaderboard.compare.pair import compare
from leaderboard.show.page.render import page
from leaderboard.stats.formats import gap
from leaderboard.store.board import load, of_label
from tests.pages import HOSTILE, RIGHT, TOLD, save_board

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SHOWN = TOLD["command"].replace("\u202e", "\ufffd")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("own") / "leaderboard" / "records"
    save_board(root)
    return root


@pytest.fixture(scope="module")
def address(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page(records), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=ARGUMENTS,
            viewport={"width": 1280, "height": 900},
            color_scheme="light",
            reduced_motion="reduce",
        )
        yield context
        context.close()


@pytest.fixture
def opened(browser, address):
    """The page, loaded anew; the console must stay silent, and nothing be asked for but files."""
    tab, said, asked = browser.new_page(), [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(address)
    yield tab
    assert said == []
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert tab.evaluate("window.hit") is None
    tab.close()


def names(tab):
    return tab.locator(".board:visible tbody tr:visible [data-story]").all_text_contents()


def status(tab):
    return tab.locator("[data-status]").text_content()


def values(tab, column):
    cells = tab.locator(f".board:visible tbody tr:visible td:nth-of-type({column})")
    return [float(text.split()[0].replace(",", "")) for text in cells.all_text_contents()]


def focus(tab):
    """What has the focus: its text, or the name of its row."""
    return tab.evaluate("document.activeElement.textContent.trim()")


def test_a_click_on_a_heading_sorts_and_another_turns_the_order(opened):
    heading = opened.locator("th", has=opened.get_by_role("button", name="ID %", exact=True))
    heading.get_by_role("button").click()
    assert values(opened, 2) == sorted(values(opened, 2), reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    assert "sorted by ID %, descending" in status(opened)
    heading.get_by_role("button").click()
    assert values(opened, 2) == sorted(values(opened, 2))
    assert heading.get_attribute("aria-sort") == "ascending"
    assert opened.locator("[aria-sort]").count() == 1


def test_rows_are_sorted_by_name(opened):
    opened.get_by_role("button", name="Method").click()
    plain = [name for name in names(opened) if name != HOSTILE]
    assert plain == sorted(RIGHT)


def test_a_filter_and_switches_leave_some_rows_and_say_how_many(opened):
    everything = names(opened)
    opened.get_by_label("Filter by name").fill("KA")
    assert names(opened) == ["kard"] and status(opened).startswith("1 of 5 rows")
    opened.get_by_label("Filter by name").fill("nothing like it")
    assert names(opened) == [] and opened.locator("[data-empty]:visible").count() == 1
    opened.get_by_label("Filter by name").fill("")
    opened.get_by_label("Trained rows only").check()
    assert names(opened) == [name for name in everything if name != "zero_shot"]
    opened.get_by_label("Hide marked rows").check()
    assert HOSTILE not in names(opened)


def test_an_older_suite_is_a_choice_away(opened):
    opened.get_by_label("Suite").select_option("v1, superseded by v2")
    assert sorted(names(opened)) == ["old", "std_cot"]
    assert opened.locator("[data-a] option").all_text_contents() == names(opened)


def test_two_rows_compared_have_the_numbers_of_compare(opened, records):
    found = load("toy", records / "v2")
    for a, b in (("skintern", "kard"), ("kard", "skintern"), ("zero_shot", "std_cot")):
        opened.get_by_label("A", exact=True).select_option(label=a)
        opened.get_by_label("B", exact=True).select_option(label=b)
        pair = compare(of_label(found, a), of_label(found, b), found)
        told = opened.locator("[data-difference] .gap:has(svg)").all_inner_texts()
        assert len(told) == 2
        for text, group in zip(told, (pair.id, pair.ood), strict=True):
            assert f"{gap(group)} points" in text
            assert f"{group.p:.3g}" in text.split()


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("std_cot", "zero_shot", "A from 334,000,000 questions on"),
        ("zero_shot", "std_cot", "B from 334,000,000 questions on"),
        ("kard", "std_cot", "A never"),
        ("std_cot", "kard", "B never"),
        ("std_cot", HOSTILE, "Neither spends more FLOPs before the first question."),
    ],
)
def test_two_rows_compared_say_when_the_dearer_is_paid_back(opened, a, b, told):
    opened.get_by_label("A", exact=True).select_option(label=a)
    opened.get_by_label("B", exact=True).select_option(label=b)
    assert told in opened.locator("[data-difference]").inner_text().splitlines()


def test_swapping_turns_the_sign(opened):
    before = opened.locator(".gap .big").first.inner_text().split()[0]
    opened.get_by_role("button", name="Swap").click()
    after = opened.locator(".gap .big").first.inner_text().split()[0]
    assert float(after) == -float(before) != 0


def test_a_row_against_itself_is_no_comparison(opened):
    opened.get_by_label("B", exact=True).select_option(
        opened.get_by_label("A", exact=True).input_value()
    )
    assert opened.locator("[data-difference]").inner_text() == "Pick two different rows."


def test_a_story_opens_closes_by_escape_and_gives_the_focus_back(opened):
    opened.get_by_role("button", name="kard", exact=True).first.click()
    dialog = opened.get_by_role("dialog")
    assert dialog.get_by_role("heading", level=2).text_content() == "kard"
    told = dialog.inner_text()
    for text in ("records/v2/toy/kard/seed1.json", "Training loss", "steps", "2026-11-29"):
        assert text in told
    assert dialog.locator("svg[role=img]").get_attribute("aria-label").endswith("2, 2, 0.5")
    opened.keyboard.press("Escape")
    assert not dialog.is_visible() and focus(opened) == "kard"


def test_a_table_says_how_it_is_sorted_when_one_comes_back_to_it(opened):
    opened.get_by_role("button", name="ID %", exact=True).click()
    opened.get_by_label("Suite").select_option("v1, superseded by v2")
    assert "sorted" not in status(opened)
    opened.get_by_label("Suite").select_option("v2")
    assert "sorted by ID %, descending" in status(opened)


def test_a_row_that_stands_on_both_sides_is_compared_with_another(opened):
    opened.get_by_label("B", exact=True).select_option(
        opened.get_by_label("A", exact=True).input_value()
    )
    label = opened.locator("[data-a] option:checked").text_content()
    opened.get_by_role("button", name=label, exact=True).first.click()
    opened.get_by_role("dialog").get_by_role("button", name="Compare").click()
    assert opened.locator("[data-a] option:checked").text_content() == label
    assert opened.locator("[data-difference] .gap").count() > 1


def test_a_story_leads_to_a_comparison(opened):
    opened.get_by_role("button", name="skintern", exact=True).first.click()
    opened.get_by_role("dialog").get_by_role("button", name="Compare").click()
    assert opened.locator("[data-a] option:checked").text_content() == "skintern"
    assert opened.locator("[data-b] option:checked").text_content() == "std_cot"


def test_hostile_text_is_shown_and_does_nothing(opened):
    opened.locator(".board:visible [data-story]", has_text="longlong").click()
    told = opened.get_by_role("dialog").text_content()
    assert HOSTILE in told and TOLD["commit"] in told
    assert SHOWN in told and TOLD["versions"]["torch"] in told
    assert opened.get_by_role("dialog").locator("img, script, a").count() == 0
    assert opened.evaluate("document.scripts.length") == 2


def test_all_can_be_done_by_keys(opened):
    seen = []
    opened.keyboard.press("Tab")
    assert focus(opened) == "Skip to the tables"
    for _ in range(60):
        opened.keyboard.press("Tab")
        kind = opened.evaluate(
            "(e => e.dataset.sort ?? Object.keys(e.dataset)[0] ?? e.tagName)"
            "(document.activeElement)"
        )
        outline = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        seen.append(kind)
        shape = opened.evaluate("document.activeElement.tagName")
        assert outline != "none" or shape in ("g", "BODY"), kind
    wanted = {"theme", "suite", "filter", "trained", "unmarked", "-1", "1", "story", "group"}
    assert wanted | {"cost", "at", "a", "b", "swap"} <= set(seen)


def test_a_heading_sorts_and_a_story_opens_by_keys(opened):
    opened.get_by_role("button", name="OOD %").focus()
    opened.keyboard.press("Enter")
    assert "sorted by OOD %, descending" in status(opened)
    opened.locator(".board:visible [data-story]").first.focus()
    opened.keyboard.press("Enter")
    assert opened.get_by_role("dialog").is_visible() and focus(opened) == "Close"
    opened.keyboard.press("Enter")
    assert not opened.get_by_role("dialog").is_visible()


def test_marks_of_the_plot_tell_of_themselves_and_follow_the_arrows(opened):
    marks = opened.locator("[data-plot] g[role=button]")
    assert marks.count() == 5 and opened.locator("[data-plot] g[tabindex='0']").count() == 1
    opened.locator("[data-plot] g[tabindex='0']").focus()
    first = opened.locator(".tip").inner_text()
    opened.keyboard.press("ArrowRight")
    second = opened.locator(".tip").inner_text()
    assert first != second and "ID " in second and "cost" in second
    opened.keyboard.press("Escape")
    assert not opened.locator(".tip").is_visible()
    opened.get_by_label("Accuracy", exact=True).select_option("ood")
    marks.first.hover(force=True)
    assert "OOD " in opened.locator(".tip").inner_text()
    marks.first.dispatch_event("click")
    assert opened.get_by_role("dialog").is_visible()


def test_dark_is_a_switch_and_follows_the_system(opened):
    def ground():
        return opened.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    opened.get_by_role("button", name="Dark").click()
    dark = ground()
    assert dark != light
    opened.get_by_role("button", name="Auto").click()
    assert ground() == light
    opened.emulate_media(color_scheme="dark")
    assert ground() == dark
    opened.get_by_role("button", name="Light").click()
    assert ground() == light


CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (colour, below) => {
    canvas.fillStyle = below;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => colour
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const found = getComputedStyle(at).backgroundColor;
      if (found !== "rgba(0, 0, 0, 0)") return found;
    }
    return "white";
  };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const told = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!told || !e.checkVisibility() || e.closest("script")) continue;
    const style = getComputedStyle(e);
    const below = ground(e);
    const text = e instanceof SVGElement ? style.fill : style.color;
    const [x, y] = [light(rgb(text, below)), light(rgb(below, "white"))];
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    if (ratio < 4.5) poor.push([e.textContent.slice(0, 30), text, below, ratio]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert opened.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_the_page_never_scrolls_sideways(opened, width):
    opened.set_viewport_size({"width": width, "height": 800})
    opened.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    opened.evaluate(NEXT_FRAME)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.locator(".board:visible [data-story]", has_text="longlong").click()
    assert opened.evaluate("document.querySelector('[data-body]').scrollWidth") <= width


def hidden(tab, selector):
    """Pixels of a box's content that it shows only once it is scrolled sideways."""
    tab.evaluate(NEXT_FRAME)
    return tab.evaluate(
        "selector => { const box = document.querySelector(selector);"
        " return box.scrollWidth - box.clientWidth; }",
        selector,
    )


@pytest.mark.parametrize("width", [1366, 1440])
def test_a_table_shows_all_its_columns_on_a_laptop(opened, width):
    opened.set_viewport_size({"width": width, "height": 900})
    assert hidden(opened, ".board") == 0


@pytest.mark.parametrize("width", [360, 390])
def test_two_rows_stand_side_by_side_on_a_phone(opened, width):
    opened.set_viewport_size({"width": width, "height": 800})
    opened.get_by_label("A", exact=True).select_option(label=HOSTILE)
    assert hidden(opened, "[data-both] .box") == 0
    assert opened.locator("[data-both] tr").count() > 10


@pytest.mark.parametrize(
    ("width", "fits", "scroll"),
    [
        (1600, True, "scrollBy(0, 100)"),
        (360, False, "document.querySelector('.board').scrollTop = 100"),
    ],
)
def test_the_head_of_a_table_stays_in_sight(opened, width, fits, scroll):
    """Of the window where the table fits, else of the box in which it scrolls."""
    opened.set_viewport_size({"width": width, "height": 240})
    box = "document.querySelector('.board')"
    board = sync_api.expect(opened.locator(".board").first)
    (board.to_contain_class if fits else board.not_to_contain_class)("fits")
    opened.evaluate(f"{box}.scrollIntoView(); {scroll}")
    below = opened.evaluate(
        f"{box}.querySelector('thead th:last-child').getBoundingClientRect().top"
        f" - Math.max(0, {box}.getBoundingClientRect().top)"
    )
    assert 0 <= below < 3


def test_everything_has_a_name_for_those_who_listen(opened):
    assert opened.locator("caption").first.text_content() == "Suite v2: 5 rows, 9 runs"
    unnamed = opened.evaluate(
        """() => [...document.querySelectorAll("button, select, input")].filter((e) =>
             !e.textContent.trim() && !e.labels?.length && !e.ariaLabel).map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    loose = opened.locator(".board th:not([scope])").count()
    assert loose == 0


def test_on_paper_there_are_no_controls_and_all_parts_are_open(opened):
    opened.emulate_media(media="print")
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not opened.get_by_label("Filter by name").is_visible()
    assert opened.locator("details:not([open])").count() == 0
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.locator("details[open]").count() == 0
