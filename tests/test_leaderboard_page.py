"""The board as one page: what its tables hold, what text it can be made of, when it is stale."""

import gzip
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from leaderboard.compare.against import against
from leaderboard.compare.amortised import amortised
from leaderboard.compare.apart import told_apart
from leaderboard.compare.pair import compare
from leaderboard.compare.pairs import all_pairs
from leaderboard.rows.rank import rows
from leaderboard.show.page.columns import rank_column
from leaderboard.show.page.render import page
from leaderboard.show.page.sections import html, sections
from leaderboard.show.page.tables import front, track_of
from leaderboard.show.pages import Told, of_track
from leaderboard.show.signature import signed
from leaderboard.stats.formats import interval, p_value, points, ratio
from leaderboard.stats.rank_intervals import Rank
from leaderboard.store import board as store
from leaderboard.store.board import load, load_files, of_label
from leaderboard.store.record import GROUPS
from leaderboard.store.reruns import publish_rerun, rerun
from tests.board_verb import run
from tests.leaderboard_records import probe, record, save, trained, with_costs
from tests.pages import HOSTILE, SCRIPT, TOLD, Elements, made, save_board


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("own") / "leaderboard" / "records"
    save_board(root)
    return root


@pytest.fixture(scope="module")
def text(records):
    return page(records)


@pytest.fixture(scope="module")
def table(records):
    track = track_of("toy", records)
    return track.tables[0]


def line(table, label):
    return next(each for each in table.lines if each.label == label)


def facts(table, label):
    """Title of a block -> name -> values."""
    blocks = [block for block in line(table, label).story if block.kind == "facts"]
    return {block.title: dict(block.facts) for block in blocks}


def test_rows_stand_as_in_the_boards_table(records, table):
    of_rows = rows(load("toy", records / "v2"))
    assert [each.label for each in table.lines] == [row.method for row in of_rows]
    told = {(c.title, c.unit): [cell.text for cell in c.cells] for c in table.columns}
    assert told["ID", "%"] == [interval(row.id) for row in of_rows]
    assert told["OOD", "%"] == [interval(row.ood) for row in of_rows]
    assert told["FLOPs", "\N{MULTIPLICATION SIGN} reference"] == [
        ratio(row.relative_flops) for row in of_rows
    ]
    assert told["training", "tokens"] == [f"{row.train_tokens:,}" for row in of_rows]


def test_ranks_are_sorted_by_the_best_place_and_then_by_the_worst():
    ranks = [Rank(1, 12, 40), None, Rank(1, 2, 40), Rank(3, 3, 40)]
    (column,) = rank_column(ranks, "rank ID")
    assert [cell.text for cell in column.cells] == ["1-12", "-", "1-2", "3"]
    values = [cell.value for cell in column.cells]
    assert values[2] < values[0] < values[3] and values[1] is None
    assert rank_column([None, None], "rank ID") == []


def test_rows_know_whether_they_train_and_what_marks_them(table):
    assert {each.label for each in table.lines if not each.is_trained} == {"zero_shot"}
    assert {each.label for each in table.lines if each.is_reference} == {"std_cot"}
    assert line(table, "kard").marks == {}
    assert set(line(table, HOSTILE).marks) == {"‡", "°"}
    assert {mark for each in table.lines for mark in each.marks} == set(table.marks)
    assert all(f" {mark} {meaning}." in table.legend for mark, meaning in table.marks.items())


def test_a_mark_says_the_same_in_the_page_as_below_the_boards_table(tmp_path):
    root = tmp_path / "records"
    save(root / "v1", [record(), trained(record("kard"), tokens=100_000)])
    (table,) = track_of("toy", root).tables
    assert f" ! {table.marks['!']}: `skbench board audit`." in table.legend
    told = line(table, "kard").marks["!"]
    assert told == f"{table.marks['!']}: training tokens 2.00x the reference"


def test_older_suites_and_rows_at_the_tracks_settings_are_tables_of_their_own(tmp_path):
    root = tmp_path / "records"
    save_board(root)
    tuned = {"own": {"of": "kard", "settings": {"learning_rate": 0.1}, "trials_sha256": "0"}}
    run = made("kard+tuned")
    run = replace(run, snapshot={**run.snapshot, **tuned})
    run.save(root / "v2" / "toy" / "kard+tuned" / "seed0.json")
    track = track_of("toy", root)
    names = [table.name for table in track.tables]
    assert names == ["v2", "v2, at the track's settings", "v1, superseded by v2"]
    labels = [{each.label for each in table.lines} for table in track.tables]
    assert ["kard+tuned" in each for each in labels] == [True, False, False]
    assert ["kard" in each for each in labels] == [False, True, False]


def test_tracks_of_more_rows_come_first(records, tmp_path):
    root = tmp_path / "records"
    save_board(root)
    record("std_cot", track="another").save(root / "v1" / "another" / "std_cot" / "seed0.json")
    assert [track["name"] for track in Elements(page(root)).data] == ["toy", "another"]


def test_all_differences_are_those_of_compare(records, table):
    found = load("toy", records / "v2")
    for i, a in enumerate(table.lines):
        for j, b in enumerate(table.lines):
            if i >= j:
                continue
            pair = compare(of_label(found, a.label), of_label(found, b.label), found)
            for group in GROUPS:
                gap = pair.id if group == "id" else pair.ood
                told = [points(gap.value), points(gap.low), points(gap.high), p_value(gap.p)]
                assert table.gaps[group][i][j - i - 1].split()[:4] == told


def test_p_values_after_holm_are_those_of_a_row_against_all_and_of_the_whole_table(records):
    found = load("toy", records / "v2")
    by_label = [of_label(found, label) for label in sorted({r.label for r in found})]
    gaps = all_pairs(by_label, found)
    for own in by_label:
        others = [each for each in by_label if each is not own]
        for each in against(own, others, found):
            key = (own[0].label, each.b)
            assert gaps["id"][key].p_row == pytest.approx(each.id.p)
            assert gaps["ood"][key].p_row == pytest.approx(each.ood.p)
    n = len(by_label) * (len(by_label) - 1)  # pairs, of two groups
    surest = min((gap for of in gaps.values() for gap in of.values()), key=lambda g: g.p_all)
    assert surest.p_all == pytest.approx(min(1.0, n * surest.difference.p))
    assert all(g.difference.p <= g.p_row <= g.p_all for of in gaps.values() for g in of.values())


def test_a_table_without_out_of_domain_has_no_differences_there():
    sides = [[record(label, outcomes={"id_a": [1, 0, 1]})] for label in ("a", "b")]
    assert set(all_pairs(sides, [*sides[0], *sides[1]])) == {"id"}


def test_the_front_is_what_none_beats_in_cost_and_accuracy():
    assert front([(1, 0.5), (2, 0.4), (2, 0.7), (3, 0.7), None, (0.5, 0.1), (1, 0.6)]) == [5, 6, 2]


def test_the_dearer_of_two_rows_is_paid_back_where_its_total_falls_below_the_others(records, table):
    found = load("toy", records / "v2")
    of = {row.method: row for row in rows(found)}
    apart = told_apart(rows(found), found)
    for i, a in enumerate(table.lines):
        for j, b in enumerate(table.lines[i + 1 :]):
            told = table.paid_back[i][j]
            dear, other = (a, b) if told[0] == "+" else (b, a)
            if told == "=":
                assert of[a.label].train_flops == of[b.label].train_flops
                continue
            if told[1:] == "?":
                assert frozenset((a.label, b.label)) not in apart
                continue
            first = int(float(told[1:] or 10**15))
            for n, is_less in ((0, False), (0.99 * first, False), (first, len(told) > 1)):
                pair = [of[dear.label], of[other.label]]
                one, base = amortised(pair, [int(n)], other.label, apart)
                assert (one.totals[0].flops < base.totals[0].flops) == is_less
    kinds = {told[:1] + "N" * (len(told) > 1) for line in table.paid_back for told in line}
    assert kinds == {"=", "+", "-", "+N"}


def test_rows_of_other_questions_are_not_paid_back(tmp_path):
    short = with_costs(record("kard"), "ood_a", overflow=[1, 0, 0, 0])
    save(tmp_path / "records" / "v1", [record(), short])
    (table,) = track_of("toy", tmp_path / "records").tables
    assert table.paid_back == [[""], []]


def test_an_upper_bound_has_no_place_on_the_front(tmp_path):
    root = tmp_path / "records"
    save_board(root)
    best = made("oracle")
    best = replace(best, snapshot={**best.snapshot, "upper_bound": True})
    best = replace(best, data_sets=made("kard").data_sets)
    best.save(root / "v2" / "toy" / "oracle" / "seed0.json")
    track = track_of("toy", root)
    lines, fronts = track.tables[0].lines, track.tables[0].fronts
    assert [lines[i].label for i in fronts["id flops"]] == ["std_cot", "kard"]


def test_a_story_tells_once_what_all_seeds_share(table):
    told = facts(table, "kard")
    assert told["Where it came from"]["commit"] == [TOLD["commit"]]
    assert told["Settings"]["steps"] == ["4"]
    assert told["Record files"][""] == [f"records/v2/toy/kard/seed{seed}.json" for seed in (0, 1)]
    curves = next(block for block in line(table, "kard").story if block.kind == "curves")
    assert curves.lines == [("seed 0", [2.0, 1.0, 0.5]), ("seed 1", [2.0, 2.0, 0.5])]
    assert facts(table, "zero_shot")["Training"] == {"": ["Nothing was trained."]}


def test_a_story_tells_by_seed_what_seeds_do_not_share(tmp_path):
    root = tmp_path / "records"
    for seed, device in enumerate(["CPU", "GPU", "CPU"]):
        run = replace(made("std_cot", seed), provenance={**TOLD, "device": device})
        run.save(root / "v2" / "toy" / "std_cot" / f"seed{seed}.json")
    track = track_of("toy", root)
    told = facts(track.tables[0], "std_cot")["Where it came from"]
    assert told["device"] == ["CPU  (seed 0, 2)", "GPU  (seed 1)"]


def test_a_story_has_the_signatures_of_its_headlines(records, table):
    files = load_files("toy", records / "v2")
    made = signed(rows(list(files.values())), files)
    expected = [row.signatures[group] for row in made for group in ("id", "ood")]
    blocks = [block for each in table.lines for block in each.story if block.title == "Signatures"]
    assert [line for block in blocks for _, (line,) in block.facts] == expected
    assert len(blocks) == len(table.lines) and len(expected) == 2 * len(blocks)


def test_a_story_has_the_audit_and_the_reruns(tmp_path):
    root = tmp_path / "records"
    save_board(root)
    more = trained_more(made("kard", 2))
    more.save(root / "v2" / "toy" / "kard" / "seed2.json")
    path = root / "v2" / "toy" / "std_cot" / "seed0.json"
    publish_rerun(rerun(path, made("std_cot"), made("std_cot"), is_inside=True), path)
    track = track_of("toy", root)
    grids = {
        label: {b.title: b for b in line(track.tables[0], label).story if b.kind == "grid"}
        for label in ("kard", "std_cot")
    }
    assert facts(track.tables[0], "kard")["Determinism"] == {"": ["not run again"]}
    told = facts(track.tables[0], "std_cot")["Determinism"]
    assert told == {"same machine, same software": ["equal; 0.00 % of outcomes flipped"]}
    assert grids["std_cot"]["Run again"].body[0][0] == "seed 0"
    assert grids["std_cot"]["Run again"].body[0][-1] == "equal"
    assert "Run again" not in grids["kard"]
    assert grids["kard"]["What it was given"].body[0] == ["training tokens", "350,000", "7.00"]
    assert "7.00x" in facts(track.tables[0], "kard")["Not matched with the reference"][""][0]


def facts_of(data, label):
    """All values that the data of the page has of a row."""
    (line,) = (each for each in data[0]["tables"][0]["lines"] if each["label"] == label)
    blocks = [block for block in line["story"] if block["kind"] == "facts"]
    return [value for block in blocks for _, values in block["facts"] for value in values]


def trained_more(run):
    return replace(run, training=replace(run.training, tokens=950_000))


def test_the_same_records_give_the_same_page(records, text):
    assert page(records) == text


def test_what_records_say_is_text_and_nothing_else(text):
    found = Elements(text)
    assert [tag for tag, _ in found.found].count("script") == 2
    named = {name for _, attributes in found.found for name in attributes}
    assert not {name for name in named if name.startswith("on")} and "style" not in named
    assert not [a for tag, a in found.found if tag == "img" and a["src"] == "x"]
    assert "<track>" not in text and SCRIPT not in text and "\u202e" not in text
    labels = [each["label"] for each in found.data[0]["tables"][0]["lines"]]
    assert HOSTILE in labels
    block = text.split('type="application/json" id="data">')[1].split("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(block)
    assert TOLD["command"].replace("\u202e", "\ufffd") in facts_of(found.data, "kard")


def test_nothing_is_loaded_from_elsewhere(text):
    found = Elements(text)
    for tag, attributes in found.found:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert not re.search(r"url\(|@import", found.texts["style"])
    assert not re.search(r"fetch\(|XMLHttp|import\(|innerHTML|eval\(", found.texts["script"])


def test_the_policy_lets_in_this_style_and_this_script_alone(text):
    found = Elements(text)
    (policy,) = (a["content"] for _, a in found.found if "http-equiv" in a)
    told = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for name, kind in (("style-src", "style"), ("script-src", "script")):
        digest = b64encode(sha256(found.texts[kind].encode()).digest()).decode()
        assert told[name] == f"'sha256-{digest}'"
    assert told["default-src"] == "'none'" and told["img-src"] == "data:"


def test_markdown_has_tables_but_no_links_images_or_html():
    row = "| [a](javascript:x) ![b](http://c/d) <i>e</i> | <http://f> |"
    body = html(f"| h | n |\n|:--|--:|\n{row}\n\nSee `code`.", 'a "title"')
    found = Elements(body)
    assert [tag for tag, _ in found.found].count("tr") == 2
    assert {tag for tag, _ in found.found}.isdisjoint({"a", "img", "i"})
    assert found.found[0][1]["aria-label"] == 'a "title": table'
    assert "<code>code</code>" in body and "style" not in body
    assert body.count('scope="row"') == 1 and body.count('class="number"') == 2
    assert body.count("<th") - body.count("<thead") == body.count("</th>")


def test_pictures_of_the_leaderboard_stand_in_the_page(tmp_path):
    root = tmp_path / "records"
    save_board(root)
    probe().save(root.parent / "probes" / "v1" / "toy" / "skintern" / "seed0.json")
    found = Elements(page(root))
    images = [a for tag, a in found.found if tag == "img"]
    assert [image["src"].split(",")[0] for image in images] == ["data:image/svg+xml;base64"]
    assert images[0]["alt"].startswith("Accuracy with a share of the knowledge")


def test_sections_and_their_parts_are_those_of_the_leaderboard(records):
    drawn = "![A map](pictures/a.svg)\n\nA note.\n"
    text = f"# Leaderboard\n\n## Regimes\n\nOf maps.\n\n### one\n\n{drawn}\n### two\n\n## Costs\n"
    regimes, costs = sections(Told(text, {"a.svg": "<svg/>"}))
    assert (regimes.title, costs.title, costs.parts) == ("Regimes", "Costs", [])
    assert "Of maps." in regimes.intro and [part.title for part in regimes.parts] == ["one", "two"]
    picture = b64encode(b"<svg/>").decode()
    assert f'alt="A map" src="data:image/svg+xml;base64,{picture}"' in regimes.parts[0].body
    assert regimes.parts[0].body.index("A note.") > regimes.parts[0].body.index("A map")
    (toy,) = sections(of_track("toy", records))
    assert [part.title for part in toy.parts] == ["toy: fair treatment"]


def test_check_tells_a_stale_page_and_writes_nothing(tmp_path, capsys):
    root, out = tmp_path / "records", tmp_path / "out"
    save_board(root)
    words = ("page", "--records", root, "--out", out)
    assert run(*words, "--check") == 1 and not out.exists()
    assert "not there" in capsys.readouterr().err
    assert run(*words) == 0 and run(*words, "--check") == 0
    before = (out / "index.html").read_bytes()
    made("kard", 2).save(root / "v2" / "toy" / "kard" / "seed2.json")
    assert run(*words, "--check") == 1
    assert f"stale; run `skbench board page --out {out}`" in capsys.readouterr().err
    assert (out / "index.html").read_bytes() == before
    assert run(*words) == 0 and run(*words, "--check") == 0


def test_a_board_without_records_is_incomplete(tmp_path, capsys):
    assert run("page", "--records", tmp_path, "--out", tmp_path / "out") == 3
    assert str(tmp_path) in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_published_page_is_small_and_has_every_row():
    text = page(store.PUBLISHED)
    assert len(gzip.compress(text.encode())) < 5_000_000
    found = {track["name"]: track["tables"] for track in Elements(text).data}
    assert set(found) == set(store.tracks(store.PUBLISHED))
    for name, tables in found.items():
        newest = load(name, store.suite(store.PUBLISHED, name))
        assert len(tables[0]["lines"]) <= len({each.label for each in newest})
        assert tables[0]["lines"]
