import zipfile
from pathlib import Path

import datasets
import numpy as np
import pytest
from rnnbench.tasks.forecasting import readers
from rnnbench.tasks.forecasting.cutting import movements
from rnnbench.tasks.forecasting.readers import own_csv, read_series
from rnnbench.tasks.forecasting.series import SPLITS

from rnnbench import Sources, UserError


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(dataset: str, sources: Sources, columns: list[str] | None = None, movement: bool = False):
    return read_series(dataset, sources, None, columns, movement=movement)


ETT = "date,HUFL,OT\n" + "".join(
    f"2016-07-{1 + row // 24:05d} {row % 24:02d}:00:00,{row / 7},{-row}\n" for row in range(14400)
)


def test_etth1_has_informers_parts_from_files_and_from_the_hub(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    put(workplace / "ett" / "ETTh1.csv", ETT)
    (series,) = read("etth1", Sources(workplace))
    assert series.borders == (0, 8640, 11520, 14400)
    assert series.values[700].tolist() == [100, -700]
    put(workplace / "hub" / "forecasting" / "autoformer" / "ETTh1.csv", ETT)
    monkeypatch.setattr(readers, "_HUB", str(workplace / "hub"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", workplace / "cache")
    (same,) = read("etth1", Sources())
    np.testing.assert_allclose(same.values, series.values, rtol=1e-15)
    np.testing.assert_array_equal(same.values.astype(np.float32), series.values.astype(np.float32))
    assert (same.channels, same.borders) == (series.channels, series.borders)
    (one,) = read("etth1", Sources(workplace), ["OT"])
    np.testing.assert_array_equal(one.values[:, 0], -np.arange(14400))
    with pytest.raises(UserError, match="column 'OIL' does not exist"):
        read("etth1", Sources(workplace), ["OIL"])


def test_an_etth1_that_was_cut_short_is_noticed(workplace: Path):
    put(workplace / "ett" / "ETTh1.csv", ETT[:5000])
    with pytest.raises(UserError, match="found|steps, but its customary parts need 14400"):
        read("etth1", Sources(workplace))


def test_univariate_series_are_the_named_column(workplace: Path):
    put(workplace / "univariate_ts" / "monthly-sunspots.csv", '"Month","Sunspots"\n"1749-01",58.0\n"1749-02",62.6')
    (series,) = read("sunspots", Sources(workplace))
    assert series.values.tolist() == [[58.0], [62.6]]
    with pytest.raises(UserError, match="'temperatures' was not found|is missing"):
        read("temperatures", Sources(workplace))
    with pytest.raises(UserError, match="looked in no folder .RNNBENCH_DATA is not set."):
        read("stocknet", Sources())


HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"


def stocks(workplace: Path, **files: str) -> Sources:
    path = workplace / "stocknet_prices" / "stocknet_price_raw.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in files.items():
            archive.writestr(f"{name}.csv", HEADER + rows)
    return Sources(workplace)


DAYS = ["2013-12-31", "2014-01-02", "2014-01-03", "2015-08-03", "2015-10-01", "2015-12-31", "2016-01-04"]
# Of a close of 100, 101, ... half was paid out since: adjusted closes are half of them.
CLOSES = [100, 100.55, 100.56, 100, 99.5, 101, 50]


def prices(days: list[str], closes: list[float]) -> str:
    return "".join(f"{d},1,{c + 2},{c - 2},{c},{c / 2},7\n" for d, c in zip(days, closes, strict=True))


def test_stocknet_is_cut_at_the_customary_dates_and_adjusted(workplace: Path):
    sources = stocks(workplace, AAA=prices(DAYS, CLOSES), NEW=prices(DAYS[-1:], [3]))
    (stock,) = read("stocknet", sources)  # NEW has no day in train
    assert stock.borders == (1, 3, 4, 6)
    assert stock.values[:, 0].tolist() == [close / 2 for close in CLOSES[:-1]]  # nothing of 2016


def test_movements_are_those_of_xu_and_cohen(workplace: Path):
    (stock,) = read("stocknet", stocks(workplace, AAA=prices(DAYS, CLOSES)), movement=True)
    ratios = [CLOSES[day] / CLOSES[day - 1] - 1 for day in range(1, 6)]
    expected = [1 if ratio > 0.0055 else 0 if ratio <= -0.005 else -1 for ratio in ratios]
    assert stock.movements.tolist() == expected
    assert set(expected) == {-1, 0, 1}
    assert stock.borders == (0, 2, 3, 5)
    assert list(stock.days) == DAYS[1:-1]
    np.testing.assert_allclose(stock.values[:, 0], ratios)
    np.testing.assert_allclose(stock.values[:, 1], [(CLOSES[d] + 2) / CLOSES[d - 1] - 1 for d in range(1, 6)])


def test_a_hole_in_the_prices_is_shown_where_it_stands(workplace: Path):
    sources = stocks(workplace, AAA=prices(DAYS, CLOSES).replace("2014-01-03,1,102.56", "2014-01-03,1,null"))
    with pytest.raises(UserError, match="AAA.csv', line 4, column 'High': expected a finite number .* found 'null'"):
        read("stocknet", sources)


def test_a_broken_zip_is_noticed(workplace: Path):
    put(workplace / "stocknet_prices" / "stocknet_price_raw.zip", "no zip")
    with pytest.raises(UserError, match="is no whole zip file; fetch it again"):
        read("stocknet", Sources(workplace))


def test_an_own_table_loses_its_dates_and_keeps_its_numbers(workplace: Path):
    path = put(workplace / "own.csv", "day;load;heat\n2024-01-01;1;2.5\n2024-01-02;3;-1e3\n")
    series = own_csv(path, None)
    assert (series.channels, series.values.tolist()) == (["load", "heat"], [[1, 2.5], [3, -1000]])
    assert own_csv(path, ["heat"]).values.tolist() == [[2.5], [-1000]]
    assert own_csv(put(workplace / "bare.csv", "a,b\n1,2\n3,4\n"), None).channels == ["a", "b"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("day,x\n2024-01-01,1\n2024-01-02,nan\n", "own.csv', line 3, column 'x': expected a finite number"),
        ("day,x\n2024-01-01,1\n2024-01-02,\n", "line 3, column 'x': .* found an empty cell"),
        ("day,x\n2024-01-01,1\n2024-01-02,cold\n", "line 3, column 'x': .* found 'cold'"),
        ("day,x\n2024-01-01,1\n2024-01-02,2,3\n", "line 3: expected 2 cells"),
        ("day,x\n2024-01-02,1\n2024-01-01,2\n", "line 3, column 'day': expected a date after 2024-01-02, oldest first"),
        ("day\n2024-01-01\n2024-01-02\n", "has no column of numbers"),
        ("", "is empty"),
    ],
)
def test_a_bad_table_is_refused_with_file_and_line(workplace: Path, text: str, message: str):
    with pytest.raises(UserError, match=message):
        own_csv(put(workplace / "own.csv", text), None)


@pytest.mark.real_data
def test_the_real_files_hold_what_the_papers_counted(real_data: Path):
    sources = Sources(real_data)
    counts = {name: read(name, sources)[0].values.shape for name in ("etth1", "exchange_rate", "sunspots")}
    assert counts == {"etth1": (17420, 7), "exchange_rate": (7588, 8), "sunspots": (2820, 1)}
    moving = read("stocknet", sources, movement=True)
    kept = [sum((movements(one, one.borders.span(split), 5) >= 0).sum() for one in moving) for split in SPLITS]
    # Xu & Cohen 2018 count 20,339, 2,555 and 3,720; 38.72 % of all lie between the thresholds.
    assert kept == [20340, 2555, 3720]
    every = sum(len(movements(one, one.borders.span(split), 5)) for one in moving for split in SPLITS)
    assert 1 - sum(kept) / every == pytest.approx(0.3872, abs=5e-5)
