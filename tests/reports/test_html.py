"""The page: whole, self-contained, escaped, the same every time, and readable when half of it is missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from earmark.reports.html import SECTIONS, render
from earmark.reports.report import ClassTable, ConfusionTable, Guess, Report, WorstClip
from earmark.reports.tables import confusions, per_class_table, score_row, worst_clips

CLASSES = ["<script>alert(1)</script>", "Bark", "Meow_and_purr", "Bell & whistle", "Never"]
EVIL = '"><img src=x onerror=alert(1)><script>bad()</script>'


class Page(HTMLParser):
    """Elements, attributes, anchors and text of a page; fails on elements that are closed in the wrong order."""

    VOID = ("meta", "wbr", "br", "img", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def report(evaluated, hear, history):
    case = evaluated(CLASSES)
    return Report(
        title="A run",
        subtitle="of tests",
        scores=(
            score_row("held out, fold 0", case.truth, case.scores, n_resamples=100),
            score_row("one clip", case.truth[:1], case.scores[:1]),
            score_row("no label", 0 * case.truth, case.scores),
        ),
        history=history,
        classes=per_class_table(case.classes, case.truth, case.scores, n_resamples=50),
        confusions=confusions(case.classes, case.truth, case.scores),
        worst=worst_clips(case.predictions, case.truth, 3, hear=hear),
        settings_yaml="model:\n  kind: cnn\n",
        differences=(("training.epochs", "80", "12"),),
        data={"length": "3.85 h"},
        quarantine=(
            {"file": "a.wav", "reason": "undecodable", "kept": False, "peak": None},
            {"file": "b.wav", "reason": "silent", "kept": True, "peak": 0.25},
            {"file": "c.wav", "reason": "undecodable"},
        ),
        environment={"torch": "2.13.0"},
        notes=("Chosen on the held-out clips.",),
    )


@pytest.fixture(scope="module")
def page(report):
    return render(report)


def test_every_section_is_there_once_and_in_the_contents(page):
    parsed = Page(page)
    anchors = [value for tag, name, value in parsed.attributes if tag == "section" and name == "id"]
    links = [value for tag, name, value in parsed.attributes if tag == "a" and name == "href"]
    assert anchors == [anchor for anchor, _ in SECTIONS]
    assert links == [f"#{anchor}" for anchor, _ in SECTIONS]
    for tag in ("audio", "svg", "table", "details"):
        assert tag in parsed.tags


def test_the_numbers_are_on_the_page(page, report):
    text = Page(page).text
    wanted = [f"{report.scores[0].lwlrap.value:.3f}", f"{report.scores[0].map.high:.3f}", "training.epochs", "2.13.0"]
    wanted += ["3.85 h", "kind: cnn", "12 epochs in 2 min 0 s", "undecodable 2, silent 1", "Chosen on the held-out"]
    wanted += [report.worst[0].id, "1 class without a label here: Never", "3.0 s from"]
    for words in wanted:
        assert words in text, words


def test_nothing_is_fetched_and_nothing_runs(page):
    parsed = Page(page)
    assert not re.search(r"https?:|@import|javascript:", page)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    for tag, name, value in parsed.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("src", "href", "xlink:href", "data", "poster", "srcset"):
            assert value.startswith(("data:image/png;", "data:audio/wav;", "#")), (tag, name, value[:40])
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_inner_names_are_unique_and_links_lead_somewhere(page):
    parsed = Page(page)
    ids = [value for _, name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for _, name, value in parsed.attributes if name == "href" and value.startswith("#")}
    assert targets | set(re.findall(r"url\(#([^)]*)\)", page)) <= set(ids)


def test_whatever_people_write_is_text(hear):
    value = np.array([0.5])
    wave, rate_hz = hear("clip000.wav")
    evil = render(
        Report(
            title=EVIL,
            subtitle=EVIL,
            scores=(score_row(EVIL, [[1, 0]], [[1.0, 0.0]]),),
            history=({"epoch": 1, EVIL: 0.3, "total": 0.4, f"held_out_{EVIL}": 0.1},),
            classes=ClassTable((EVIL,), np.array([2]), value, value, value, value),
            confusions=ConfusionTable((EVIL, "b"), np.array([2, 2]), np.array([[0, 1], [1, 0]])),
            worst=(WorstClip(EVIL, wave, rate_hz, (EVIL,), (Guess(EVIL, 0.5, 1),), 0.1, EVIL),),
            settings_yaml=EVIL,
            differences=((EVIL, EVIL, EVIL),),
            data={EVIL: EVIL},
            quarantine=({EVIL: EVIL, "reason": EVIL},),
            environment={EVIL: EVIL},
            notes=(EVIL,),
        )
    )
    parsed = Page(evil)
    assert not {"script", "img"} & set(parsed.tags)
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    assert parsed.text.count(EVIL) >= 12


def test_names_that_no_file_can_hold_do_not_stop_the_page():
    clip = WorstClip("broken\ud800.wav", np.zeros(0, np.float32), 0, ("a\x00b",), (Guess("a\x00b", 0.1, 1),), 0.5)
    assert render(Report("odd", worst=(clip,))).encode("utf-8")


def test_a_report_of_nothing_still_has_every_section():
    parsed = Page(render(Report("nothing")))
    anchors = [value for tag, name, value in parsed.attributes if tag == "section" and name == "id"]
    assert anchors == [anchor for anchor, _ in SECTIONS]
    for words in (
        "Nothing was scored",
        "No training",
        "No classes",
        "not counted",
        "No clips",
        "No file",
        "Not recorded",
    ):
        assert words in parsed.text
    assert not {"svg", "audio", "table"} & set(parsed.tags)


def test_perfect_scores_have_no_confusions_to_show():
    nothing = ConfusionTable(("a", "b"), np.array([1, 1]), np.zeros((2, 2), np.int64))
    assert "No class stands above" in render(Report("perfect", confusions=nothing))


def test_what_is_not_a_number_is_a_dash(page):
    text = Page(page).text
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)
    assert not re.search(r"(left|width):nan", page)
    row = re.search(r'<tr><th scope="row">Never</th>(.*?)</tr>', page)[1]
    assert re.findall(r">([^<]*)</td>", row) == ["0", "–", "–", "–", "–"]


def test_the_same_report_gives_the_same_page(page, report):
    assert render(report) == page


def test_a_dozen_clips_can_be_mailed(evaluated):
    case = evaluated(CLASSES)
    noise = np.random.default_rng(0).uniform(-1, 1, 10 * 44100).astype(np.float32)
    worst = worst_clips(case.predictions, case.truth, 12, hear=lambda name: (noise, 44100))
    assert len(render(Report("many", worst=worst))) < 3_000_000


@pytest.mark.slow
def test_a_large_vocabulary_fits_on_the_page(evaluated):
    case = evaluated([f"Class_{i}" for i in range(527)], n_clips=300)
    page = render(
        Report(
            "large",
            classes=per_class_table(case.classes, case.truth, case.scores, n_resamples=20),
            confusions=confusions(case.classes, case.truth, case.scores),
        )
    )
    Page(page)
    assert len(page) < 2_000_000
