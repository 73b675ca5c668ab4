"""Where series come from. A reader returns the same numbers whether it finds files or asks the hub."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from rnnbench import Sources, UserError
from rnnbench.data.tables import Table, read_table
from rnnbench.errors import not_among

from . import chaos
from .series import Borders, Numbers, Series

CHAOS = 5000  # steps of a generated series
SEASONS = {"etth1": 24, "sunspots": 132, "temperatures": 365}  # steps; a day, about a solar cycle, a year
STOCKNET_DATES = ("2014-01-01", "2015-08-01", "2015-10-01", "2016-01-01")
FALL, RISE = -0.005, 0.0055  # a movement is one at or below the first or above the second (Xu & Cohen 2018)
_HUB = "AutonLab/Timeseries-PILE"
_CURRENCIES = ("Australia", "Britain", "Canada", "Switzerland", "China", "Japan", "New Zealand", "Singapore")


def read_series(
    dataset: str, sources: Sources, path: Path | None, columns: Sequence[str] | None, *, movement: bool
) -> list[Series]:
    """The series of that name, all with the same channels.

    Args:
        dataset: its name.
        sources: where files are found.
        path: of the person's own file.
        columns: the channels to keep; None keeps all.
        movement: whether it is to be said where prices move, rather than what they are.

    Raises:
        UserError: it is not to be had, or not what it should be.
    """
    if dataset == "csv":
        assert path is not None
        return [own_csv(path, columns)]
    readers: dict[str, Callable[[], list[Series]]] = {
        "mackey_glass": lambda: [_series(dataset, ["x"], chaos.mackey_glass(CHAOS))],
        "lorenz": lambda: [_series(dataset, ["x", "y", "z"], chaos.lorenz(CHAOS))],
        "etth1": lambda: [etth1(sources)],
        "exchange_rate": lambda: [exchange_rate(sources)],
        "sunspots": lambda: [univariate(dataset, sources, "monthly-sunspots.csv", "Sunspots")],
        "temperatures": lambda: [univariate(dataset, sources, "daily-min-temperatures.csv", "Temp")],
        "stocknet": lambda: stocknet(sources, movement=movement),
    }
    found = readers[dataset]()
    for name in columns or ():
        if name not in found[0].channels:
            raise UserError(f"{dataset}: {not_among('column', name, found[0].channels)}")
    return [series.select(columns) for series in found] if columns else found


def etth1(sources: Sources) -> Series:
    """Load and oil temperature of a transformer, hourly (Zhou et al. 2020, Informer): 8,640 / 2,880 / 2,880 steps."""
    borders = Borders(0, 8640, 11520, 14400)
    found = sources.files("ett", ["ETTh1.csv"])
    if found:
        table = read_table(found[0], ["date", "OT"])
        channels = [name for name in table.columns if name != "date"]
        return _series("ETTh1", channels, _numbers(table, channels), borders)
    return _from_hub(sources, "ett", "ETTh1", borders=borders)


def exchange_rate(sources: Sources) -> Series:
    """Eight countries' daily exchange rates, 1990 to 2016 (Lai et al. 2017, LSTNet): 60 / 20 / 20 % of 7,588 days."""
    found = sources.files("exchange_rate", ["exchange_rate.txt.gz"])
    if found:
        table = read_table(found[0], names=_CURRENCIES)
        return _series("exchange rates", _CURRENCIES, _numbers(table, _CURRENCIES))
    return _from_hub(sources, "exchange_rate", "exchange_rate", channels=_CURRENCIES)


def univariate(dataset: str, sources: Sources, file: str, column: str) -> Series:
    """One column of a file: monthly sunspots, 1749 to 1983; daily minimum temperatures of Melbourne, 1981 to 1990."""
    found = sources.files("univariate_ts", [file])
    if not found:
        raise _absent(dataset, sources, "univariate_ts", file)
    return _series(dataset, [column], _numbers(read_table(found[0], [column]), [column]))


def stocknet(sources: Sources, *, movement: bool) -> list[Series]:
    """The prices of 88 stocks (Xu & Cohen 2018), a series each, cut at `STOCKNET_DATES`.

    Channels are close, high and low, adjusted for splits and dividends. For movements they are relative to the close of
    the day before, minus one, as in that paper, and a day's movement is that of its close: up above `RISE`, down at or
    below `FALL`, neither in between. A stock without days in train is left out (GMRE, which was listed in 2016).
    """
    found = sources.files("stocknet_prices", ["stocknet_price_raw.zip"])
    if not found:
        raise _absent("stocknet", sources, "stocknet_prices", "stocknet_price_raw.zip")
    try:
        members = sorted(zipfile.Path(found[0]).iterdir(), key=lambda member: member.name)
    except zipfile.BadZipFile as error:
        raise UserError(f"'{found[0]}' is no whole zip file; fetch it again") from error
    stocks = [_stock(read_table(cast(Path, member)), member.name.removesuffix(".csv")) for member in members]
    stocks = [stock for stock in stocks if stock.borders.validation - stock.borders.train > 1]
    if not movement:
        return [stock.select(["close"]) for stock in stocks]
    return [_moving(stock) for stock in stocks]


def own_csv(path: Path, columns: Sequence[str] | None) -> Series:
    """A person's own table, oldest row first, cut 60 / 20 / 20 %.

    A first column that begins with a date, or anything else that is no number, is left out unless it is asked for.
    """
    table = read_table(path.expanduser(), list(columns or ()))
    if columns is None:
        columns = list(table.columns)
        if not _is_number(table.columns[columns[0]][0]):
            _check_order(table, columns.pop(0))
    if not columns:
        raise UserError(f"'{path}' has no column of numbers")
    return _series(path.name, columns, _numbers(table, columns))


def _series(name: str, channels: Sequence[str], values: Numbers, borders: Borders | None = None) -> Series:
    borders = borders or Borders.shares(len(values))
    if len(values) < borders.end:
        raise UserError(f"{name} has {len(values)} steps, but its customary parts need {borders.end}; fetch it again")
    return Series(name, list(channels), values, borders)


def _from_hub(
    sources: Sources, folder: str, file: str, channels: Sequence[str] = (), borders: Borders | None = None
) -> Series:
    where = {"train": f"forecasting/autoformer/{file}.csv"}
    loaded = sources.hub(folder, _HUB, data_files=where)["train"]
    names = [name for name in loaded.column_names if name != "date"]
    values = np.stack([np.asarray(loaded[name], np.float64) for name in names], 1)
    return _series(file, list(channels) or names, values, borders)


def _stock(table: Table, name: str) -> Series:
    dates = table.column("Date")
    _check_order(table, "Date")
    train, validation, test, end = (int(place) for place in np.searchsorted(dates, STOCKNET_DATES))
    table = Table(table.path, {column: cells[:end] for column, cells in table.columns.items()}, table.lines[:end])
    close, adjusted = _numbers(table, ["Close"]), _numbers(table, ["Adj Close"])
    values = np.hstack([adjusted, _numbers(table, ["High", "Low"]) * (adjusted / close)])
    borders = Borders(train, validation, test, end)
    return Series(name, ["close", "high", "low"], values, borders, days=table.column("Date"))


def _moving(stock: Series) -> Series:
    close = stock.values[:, 0]
    values = stock.values[1:] / close[:-1, None] - 1
    movements = np.select([values[:, 0] > RISE, values[:, 0] <= FALL], [1, 0], -1)
    borders = Borders(*(max(0, border - 1) for border in stock.borders))  # the first day has none before it
    return replace(stock, values=values, movements=movements, borders=borders, days=stock.days[1:])


def _numbers(table: Table, names: Sequence[str]) -> Numbers:
    return np.stack([table.numbers(name) for name in names], 1)


def _check_order(table: Table, dates: str) -> None:
    cells = table.column(dates)
    for row in range(1, len(cells)):
        if cells[row] < cells[row - 1] and cells[row][:4].isdigit():  # years first, so that text sorts as time does
            raise table.wrong(row, dates, f"a date after {cells[row - 1]}, oldest first")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()
    return True


def _absent(dataset: str, sources: Sources, folder: str, file: str) -> UserError:
    looked = f"'{sources.data_dir / folder}'" if sources.data_dir else "no folder (RNNBENCH_DATA is not set)"
    return UserError(
        f"data set '{dataset}' was not found: looked in {looked}, and no hub that we know has it; put {file} in a "
        f"folder {folder}/ and set RNNBENCH_DATA to the folder above"
    )
