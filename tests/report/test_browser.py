from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from report.browser import Opened, chromium, needed, opened
from report.reports import HOSTILE, build, write
from support import many_records

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [*needed, pytest.mark.slow]
PLAY = """sound => new Promise((done, fail) => {
  sound.muted = sound.loop = true;
  sound.addEventListener("timeupdate", () => sound.currentTime > 0 && done());
  sound.play().catch(fail);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("browser")
    write(folder)
    (folder / "report.html").write_text(build(folder))
    return (folder / "report.html").as_uri()


@pytest.fixture
def report(browser: "Browser", address: str) -> Iterator[Opened]:
    with opened(browser, address) as found:
        yield found


def trials(page: "Page") -> "Locator":
    return page.get_by_role("region", name="All trials")


def column(table: "Locator", title: str) -> list[str]:
    heads = table.get_by_role("columnheader").all_inner_texts()
    place = next(number for number, head in enumerate(heads) if head.startswith(title))
    return [row.locator("th, td").nth(place).inner_text() for row in table.locator("tbody tr").all()]


def test_a_person_sorts_filters_and_follows_a_number_to_its_trial(report: Opened):
    page = report.page
    assert page.locator("#summary").inner_text().startswith("26 trials on 2 boards")
    table = trials(page)
    head = table.get_by_role("columnheader", name="validation")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    ascending = [float(text) for text in column(table, "validation") if text != "–"]
    head.get_by_role("button").press("Enter")  # by the keyboard, the other way
    assert head.get_attribute("aria-sort") == "descending"
    descending = [float(text) for text in column(table, "validation") if text != "–"]
    assert ascending == sorted(ascending)
    assert descending == sorted(descending, reverse=True)

    page.get_by_label("filter").fill("music backbone=lstm hidden_size>32 seed!=1")
    page.locator("#query-said", has_text="1 of 26").wait_for()
    assert column(table, "trial") == ["music-lstm-64-0"]
    page.get_by_label("filter").fill("name=lstm depth=3")
    page.locator("#query-said", has_text="name may be task.name or backbone.name; no trial has depth").wait_for()

    page.locator("#board-body").get_by_role("link", name="2.37 ±").click()  # the score of the first row
    sheet = page.get_by_role("dialog")
    assert "gru: 2 trials of one setting" in sheet.inner_text()
    assert "rnnbench -m seed=0,1 task=music backbone=gru" in sheet.locator("code").inner_text()
    sheet.get_by_role("link", name="music-gru-64-1").click()
    assert "gru, seed 1" in sheet.inner_text()
    assert sheet.get_by_role("row", name="backbone.hidden_size 64").is_visible()
    assert sheet.get_by_role("row", name="packages.torch 2.13.0").is_visible()
    page.keyboard.press("Escape")
    assert not sheet.is_visible()
    page.wait_for_url(lambda url: "#" not in url)  # a dialog is gone before it says so


def test_hostile_records_are_shown_as_text_and_samples_play(report: Opened):
    page = report.page
    roll = page.get_by_role("img", name="piano roll: 2 notes in 1.0 seconds")
    assert roll.is_visible()
    sound = page.get_by_label("continuation.wav").first
    sound.evaluate(PLAY)  # which is over when the sound has got somewhere
    assert page.locator("#gallery .head").first.get_attribute("transform") != "translate(0)"
    assert sound.evaluate("sound => sound.duration") == pytest.approx(1.5, abs=0.01)

    page.get_by_label("task, data and setting").select_option("1")
    card = page.locator("#gallery article").first
    assert card.locator("h3").inner_text() == HOSTILE
    assert card.locator("pre").inner_text() == HOSTILE
    assert card.locator("img").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 1
    page.get_by_label("filter").fill("status=failed")
    page.locator("#query-said", has_text="1 of 26").wait_for()
    trials(page).get_by_role("link").click()
    assert HOSTILE in page.get_by_role("dialog").inner_text()
    assert page.evaluate("window.stolen") is None
    assert page.locator("img[src='x']").count() == 0


def test_the_theme_follows_the_system_until_a_person_chooses(browser: "Browser", address: str):
    with opened(browser, address, width=390, scheme="dark") as report:
        page, button = report.page, report.page.get_by_role("button", name="dark")
        assert button.get_attribute("aria-pressed") == "true"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        button.focus()
        page.keyboard.press("Space")
        assert button.get_attribute("aria-pressed") == "false"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
        page.reload()
        page.locator("html[data-theme=light]").wait_for()  # it is remembered
        assert page.evaluate("document.documentElement.scrollWidth") == 390  # nothing sticks out on a phone


def test_charts_answer_the_keyboard(report: Opened):
    page = report.page
    curve = page.get_by_role("img", name="validation nll by epoch")
    curve.focus()
    curve.press("ArrowLeft")
    assert "epoch 4" in page.locator("#curves-body output").inner_text()
    assert "gru 2.37" in page.locator("#curves-body output").inner_text()
    page.locator("#curves-body").get_by_role("button", name="gru").click()  # hides the line
    curve.press("ArrowLeft")
    assert "gru" not in page.locator("#curves-body output").inner_text()

    axis = page.get_by_role("slider", name="backbone.hidden_size")
    axis.press("ArrowUp")
    said = page.locator("#sweep-body .note", has_text="best on validation")
    assert said.inner_text().startswith("6 trials")
    page.get_by_role("button", name="list them").click()
    page.locator("#query-said", has_text="6 of 26").wait_for()
    axis.press("Escape")
    assert said.inner_text().startswith("12 trials")

    point = page.locator("#costs-body").get_by_role("link", name="gru: nll")
    point.press("Enter")
    assert "gru: 2 trials" in page.get_by_role("dialog").inner_text()


def test_the_page_can_not_reach_the_network_even_if_it_wanted(browser: "Browser", address: str):
    with opened(browser, address) as report:
        tried = "fetch('https://example.com').then(() => 'reached', error => error.name)"
        assert report.page.evaluate(tried) == "TypeError"
        assert all("Content Security Policy" in error for error in report.errors)
        assert report.errors
        report.errors.clear()


def test_ten_thousand_trials_open_sort_and_filter(browser: "Browser", tmp_path: Path):
    many_records.write(tmp_path, 10_000)
    page = build(tmp_path)
    assert len(page.encode()) <= 25_000_000
    (tmp_path / "report.html").write_text(page)
    with opened(browser, (tmp_path / "report.html").as_uri()) as report:
        shown = report.page
        table = trials(shown)
        shown.get_by_label("filter").fill("lstm hidden_size>=256 seed<2")
        shown.locator("#query-said", has_text=" of 10,000").wait_for()
        table.get_by_role("columnheader", name="parameters").get_by_role("button").click()
        assert table.locator("tbody tr").count() == 25
        assert set(column(table, "backbone")) <= {"lstm", "minlstm"}
        shown.get_by_label("filter").fill("")
        shown.locator("#query-said", has_text="10,000 of 10,000").wait_for()
        later = shown.get_by_role("button", name="later")
        later.click()
        assert "26–50 of 10,000" in shown.get_by_label("pages of All trials").inner_text()
