"""Figures drawn by matplotlib, on white, in colours and marks that a printer without colours tells apart too."""

import itertools
from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Circle
from matplotlib.ticker import LogFormatter, NullLocator

from rnnbench.diagnostics.charts import Chart, Figure, Heat, band, points
from rnnbench.pictures import png

STYLES = ("-", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = "osD^vPX*"
MARKED = 30  # points at most that carry a mark each
FEW = 8  # values that each have a tick,
APART = 1.3  # where each is so many times the one before
WORDY = 200  # letters of all labels together
WIDTH, HEIGHT = 7.0, 4.2  # inches
COLUMNS = 3  # frames beside one another


def draw(figure: Figure) -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    return png(_draw_heat(figure) if isinstance(figure, Heat) else _draw_chart(figure))


def _draw_chart(chart: Chart) -> Canvas:
    canvas = Canvas(figsize=(HEIGHT * 1.3, HEIGHT) if chart.circle else (WIDTH, HEIGHT), layout="constrained")
    axes = canvas.add_subplot()
    for place in range(len(chart.series)):
        _draw_series(axes, chart, place)
    if chart.circle:
        axes.add_patch(Circle((0, 0), 1, fill=False, color="0.5", linewidth=1))
        axes.set_aspect("equal", adjustable="datalim")
    if chart.log_x:
        axes.set_xscale("log")
        _plain(axes.xaxis, [x for series in chart.series for x, _ in points(chart, series)])
    if chart.log_y:
        axes.set_yscale("log")
        _plain(axes.yaxis, [y for series in chart.series for _, y in points(chart, series)])
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label)
    axes.set_title(chart.title, fontsize=11)
    axes.grid(which="major", color="0.9")
    if _alone(chart):
        _name_points(axes, chart)
    elif any(series.label for series in chart.series):
        _legend(canvas, axes, chart)
    return canvas


def _legend(canvas: Canvas, axes: Axes, chart: Chart) -> None:
    """In the frame, or below it where it would cover what it names."""
    if sum(len(series.label) for series in chart.series) > WORDY:
        canvas.legend(loc="outside lower center", ncols=2, fontsize=8)
    else:
        axes.legend(fontsize=8, frameon=True, framealpha=0.85)


def _alone(chart: Chart) -> bool:
    """Whether each series is a single point."""
    return all(len(points(chart, series)) == 1 for series in chart.series)


def _name_points(axes: Axes, chart: Chart) -> None:
    """Names beside the points, which say more than a legend."""
    for series in chart.series:
        ((x, y),) = points(chart, series)
        axes.annotate(series.label, (x, y), xytext=(6, 3), textcoords="offset points", fontsize=9)
    axes.margins(x=0.16, y=0.08)


def _plain(axis: Axis, values: Sequence[float]) -> None:
    """Ticks of a logarithmic axis as plain numbers, where they are few: at the values, or within two powers of ten."""
    different = sorted(set(values))
    if 1 < len(different) <= FEW and all(b >= APART * a for a, b in itertools.pairwise(different)):
        axis.set_ticks(different)
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:.4g}")
    elif different and different[-1] < 100 * different[0]:
        axis.set_major_formatter("{x:.4g}")
        axis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))


def _draw_series(axes: Axes, chart: Chart, place: int) -> None:
    series, color = chart.series[place], colormaps["tab10"](place % 10)
    pairs = points(chart, series)
    x, y = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    mark = MARKERS[place % len(MARKERS)] if len(x) <= MARKED or not series.joined else ""
    style = "--" if series.dashed else STYLES[place % len(STYLES)]
    axes.plot(
        x,
        y,
        color="0.35" if series.dashed else color,
        linestyle=style if series.joined else "none",
        marker="" if series.dashed and series.joined else mark,
        markersize=4 if series.joined else 6 if len(x) == 1 else 3,
        linewidth=1.6,
        label=series.label or None,
    )
    edges = band(chart, series) if series.low else []
    if edges:
        x, low, high = zip(*edges, strict=True)
        axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)


def _draw_heat(heat: Heat) -> Canvas:
    columns = min(COLUMNS, len(heat.frames))
    rows = -(-len(heat.frames) // columns)
    canvas = Canvas(figsize=(WIDTH * max(1.0, columns / 2), 0.6 * HEIGHT * rows + 0.6), layout="constrained")
    frames = canvas.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    highest = max(max(column) for shares in heat.frames.values() for column in shares)
    image = None
    for axes, (name, shares) in zip(frames.flat, heat.frames.items(), strict=False):
        image = axes.imshow(
            list(zip(*shares, strict=True)),
            origin="lower",
            aspect="auto",
            extent=(*heat.x_range, *heat.y_range),
            cmap="viridis",
            vmin=0,
            vmax=highest or 1,
        )
        for axis, names in ((axes.xaxis, heat.x_names), (axes.yaxis, heat.y_names)):
            if names:
                axis.set_ticks([place + 1 for place in range(len(names))], list(names), fontsize=8)
        axes.set_title(name, fontsize=9)
    for axes in frames.flat[len(heat.frames) :]:
        axes.set_visible(False)
    canvas.suptitle(heat.title, fontsize=11)
    canvas.supxlabel(heat.x_label, fontsize=9)
    canvas.supylabel(heat.y_label, fontsize=9)
    if image is not None:
        canvas.colorbar(image, ax=list(frames.flat), label=heat.shade)
    return canvas
