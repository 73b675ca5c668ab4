"""Figures as one page of HTML that needs nothing else: SVG, with values under the pointer and lines to switch off.

It follows the reader's choice of light or dark, and prints in light.
"""

import html
import math
from collections.abc import Callable, Mapping, Sequence

from matplotlib.ticker import LogLocator, MaxNLocator

from rnnbench.diagnostics.charts import Chart, Figure, Heat, Series, band, points

WIDTH, HEIGHT = 680, 380
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 14, 46  # around the frame
COLORS = 8  # --c0 … --c7 in `STYLE`
FRAME = 220  # width of a frame of shades
Scale = Callable[[float], float]

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d8dde3; --c0: #1f6fb4; --c1: #c8500a;
  --c2: #26803a; --c3: #b3261e; --c4: #7a4fb0; --c5: #7b5142; --c6: #b83a8e; --c7: #5d6670; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14181d; --line: #3a424c; --c0: #6cb2f0;
  --c1: #ff9d57; --c2: #6fd086; --c3: #ff867e; --c4: #c3a2f2; --c5: #d4a593; --c6: #f28fcf; --c7: #aab4bf; } }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --line: #ccc; } .value { display: none; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 46rem; padding: 0 1rem; }
h1 { font-size: 1.35rem; } h2 { font-size: 1.05rem; margin: 2.2rem 0 .3rem; }
svg { width: 100%; height: auto; } svg text { fill: currentColor; font-size: 12px; }
table { border-collapse: collapse; } td, th { padding: .15rem .9rem .15rem 0; text-align: left;
  border-bottom: 1px solid var(--line); } td:last-child { font-variant-numeric: tabular-nums; }
.legend button { font: inherit; color: inherit; background: none; border: 0; padding: 0 .9rem .2rem 0; cursor: pointer;
  text-align: left; } .legend button[aria-pressed=false] { opacity: .4; text-decoration: line-through; }
.legend i { display: inline-block; width: 1.4em; border-top: 3px solid; margin: 0 .4em .25em 0; vertical-align: middle;
  } .value { min-height: 1.5em; font-size: 13px; white-space: pre-wrap; font-variant-numeric: tabular-nums; }
"""

SCRIPT = """
for (const figure of document.querySelectorAll('figure')) {
  const groups = [...figure.querySelectorAll('g[data-label]')], value = figure.querySelector('.value');
  const dots = groups.flatMap(group => group.dataset.points.split(' ').filter(Boolean).map(point => {
    const [px, py, x, y] = point.split(',').map(Number);
    return {group, px, py, x, y};
  }));
  for (const button of figure.querySelectorAll('.legend button')) button.onclick = () => {
    const shown = button.getAttribute('aria-pressed') === 'false';
    button.setAttribute('aria-pressed', shown);
    groups[button.dataset.place].style.display = shown ? '' : 'none';
  };
  const svg = figure.querySelector('svg.chart');
  if (svg && value) svg.onpointermove = event => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const seen = dots.filter(dot => dot.group.style.display !== 'none');
    if (!seen.length) return;
    const far = dot => Math.hypot(dot.px - at.x, dot.py - at.y);
    const near = seen.reduce((a, b) => far(b) < far(a) ? b : a);
    const show = number => Number(number.toPrecision(5));
    const same = svg.dataset.plane ? [near] : seen.filter(dot => dot.x === near.x);
    value.textContent = svg.dataset.plane ? `${near.group.dataset.label}: ${show(near.x)}, ${show(near.y)}` :
      `at ${show(near.x)}:  ` + same.map(dot => `${dot.group.dataset.label} ${show(dot.y)}`).join('   ');
  };
}
document.documentElement.dataset.ready = '';
"""


def page(title: str, facts: Mapping[str, str], figures: Sequence[Figure], remarks: Sequence[str] = ()) -> str:
    """The whole page: facts as a table, remarks, then the figures in order."""
    rows = "".join(f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>" for key, value in facts.items())
    said = "".join(f"<p>{html.escape(remark)}</p>" for remark in remarks)
    body = "".join(_heat(figure) if isinstance(figure, Heat) else _chart(figure) for figure in figures)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>'
        f"<table>{rows}</table>{said}{body}<script>{SCRIPT}</script></body></html>\n"
    )


def _chart(chart: Chart) -> str:
    drawn = [points(chart, series) for series in chart.series]
    bands = [band(chart, series) if series.low else [] for series in chart.series]
    xs = [x for pairs in drawn for x, _ in pairs] or [1.0]
    ys = [y for pairs in drawn for _, y in pairs] + [end for edges in bands for edge in edges for end in edge[1:]]
    if chart.circle:
        reach = 1.05 * max(1.0, *map(abs, xs), *map(abs, ys))
        wide = reach * (WIDTH - LEFT - RIGHT) / (HEIGHT - TOP - BOTTOM)  # both axes alike
        ys, xs = [-reach, reach], [-wide, wide]
    x, x_ticks = _scale(xs, LEFT, WIDTH - RIGHT, chart.log_x)
    y, y_ticks = _scale(ys or [1.0], HEIGHT - BOTTOM, TOP, chart.log_y)
    parts = [_grid(x, x_ticks, y, y_ticks, chart.x_label, chart.y_label)]
    if chart.circle:
        parts.append(
            f'<ellipse cx="{x(0):.1f}" cy="{y(0):.1f}" rx="{x(1) - x(0):.1f}" ry="{y(0) - y(1):.1f}" fill="none" '
            'stroke="var(--c7)"/>'
        )
    for place, series in enumerate(chart.series):
        parts.append(_series(series, place, drawn[place], bands[place], x, y))
    plane = ' data-plane="1"' if chart.circle else ""
    svg = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}"{plane}>{"".join(parts)}</svg>'
    below = f'{_legend(chart)}<div class="value"></div>'
    return f'<figure style="margin:0"><h2>{html.escape(chart.title)}</h2>{svg}{below}</figure>'


def _series(series: Series, place: int, pairs: list, edges: list, x: Scale, y: Scale) -> str:
    color = f"var(--c{place % COLORS})"
    parts = []
    if edges:
        outline = [(at, high) for at, _, high in edges] + [(at, low) for at, low, _ in reversed(edges)]
        parts.append(f'<polygon points="{_path(outline, x, y)}" fill="{color}" opacity=".15"/>')
    if series.joined:
        dash = ' stroke-dasharray="6 4"' if series.dashed else ""
        parts.append(f'<polyline points="{_path(pairs, x, y)}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
    else:
        parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.5" fill="{color}"/>' for a, b in pairs]
    data = " ".join(f"{x(a):.1f},{y(b):.1f},{a:.6g},{b:.6g}" for a, b in pairs)
    return f'<g data-label="{html.escape(series.label, quote=True)}" data-points="{data}">{"".join(parts)}</g>'


def _legend(chart: Chart) -> str:
    buttons = [
        f'<button aria-pressed="true" data-place="{place}"><i style="border-color:var(--c{place % COLORS});'
        f'border-style:{"dashed" if series.dashed else "solid"}"></i>{html.escape(series.label)}</button>'
        for place, series in enumerate(chart.series)
        if series.label
    ]
    return f'<div class="legend">{"".join(buttons)}</div>'


def _grid(x: Scale, x_ticks: Sequence[float], y: Scale, y_ticks: Sequence[float], x_label: str, y_label: str) -> str:
    low, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for tick in x_ticks:
        parts.append(f'<path d="M{x(tick):.1f} {TOP}V{low}" stroke="var(--line)"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{low + 17}" text-anchor="middle">{_say(tick)}</text>')
    for tick in y_ticks:
        parts.append(f'<path d="M{LEFT} {y(tick):.1f}H{right}" stroke="var(--line)"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{_say(tick)}</text>')
    middle = (TOP + low) / 2
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{html.escape(x_label)}</text>')
    turned = f'<text transform="rotate(-90 14 {middle})" x="14" y="{middle}" text-anchor="middle">'
    return "".join([*parts, f"{turned}{html.escape(y_label)}</text>"])


def _heat(heat: Heat) -> str:
    highest = max(max(column) for shares in heat.frames.values() for column in shares) or 1.0
    frames = "".join(_frame(heat, name, shares, highest) for name, shares in heat.frames.items())
    axes = html.escape(f"across: {heat.x_label}; upwards: {heat.y_label}; the stronger, the more: {heat.shade}")
    return (
        f'<figure style="margin:0"><h2>{html.escape(heat.title)}</h2><div style="display:flex;flex-wrap:wrap;gap:12px">'
        f"{frames}</div><div>{axes}, at most {highest:.0%}</div></figure>"
    )


def _frame(heat: Heat, name: str, shares: Sequence[Sequence[float]], highest: float) -> str:
    across, upwards = FRAME / len(shares), 140 / len(shares[0])
    cells = [
        f'<rect x="{column * across:.2f}" y="{140 - (row + 1) * upwards:.2f}" width="{across + 0.3:.2f}" '
        f'height="{upwards + 0.3:.2f}" fill="var(--c0)" opacity="{share / highest:.3f}">'
        f"<title>{share:.1%}</title></rect>"
        for column, values in enumerate(shares)
        for row, share in enumerate(values)
    ]
    frame = f'<rect width="{FRAME}" height="140" fill="none" stroke="var(--line)"/>'
    ends = f"{heat.x_range[0]:g} to {heat.x_range[1]:g}"
    return (
        f'<div><svg viewBox="0 0 {FRAME} 140" style="width:{FRAME}px">{"".join(cells)}{frame}</svg>'
        f"<div>{html.escape(name)} ({ends})</div></div>"
    )


def _scale(values: Sequence[float], start: float, end: float, logarithmic: bool) -> tuple[Scale, list[float]]:
    """Where a value lies between `start` and `end`, and the ticks within."""
    low, high = min(values), max(values)
    if logarithmic:
        return _logarithmic(low, high, start, end)
    margin = 0.04 * (high - low) or 0.5
    low, high = low - margin, high + margin
    ticks = [tick for tick in MaxNLocator(7).tick_values(low, high) if low <= tick <= high]
    return lambda value: start + (value - low) / (high - low) * (end - start), ticks


def _logarithmic(low: float, high: float, start: float, end: float) -> tuple[Scale, list[float]]:
    low, high = (low / 1.3, high * 1.3)
    from_low, spread = math.log(low), math.log(high) - math.log(low)
    subs = (1.0,) if spread > 6 else (1.0, 2.0, 5.0)
    ticks = [tick for tick in LogLocator(subs=subs, numticks=8).tick_values(low, high) if low <= tick <= high]
    return lambda value: start + (math.log(value) - from_low) / spread * (end - start), ticks


def _path(pairs: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in pairs)


def _say(tick: float) -> str:
    return f"{round(tick, 10):g}"
