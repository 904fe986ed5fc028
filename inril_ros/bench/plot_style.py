# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The look of all plots, in the reports of studies and of runs."""

from io import StringIO

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, SOFT, HAIR = '#1d2126', '#5d666f', '#e3e5e7'


def new_figure(width: float, height: float) -> Figure:
    """Return a white figure [inch] whose parts make room for each other."""
    figure = Figure(figsize=(width, height), layout='constrained', facecolor='white')
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes, labelsize: float = 9) -> None:
    """Leave a thin grid and the line of the x axis."""
    axes.grid(color=HAIR, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.spines['bottom'].set_color(SOFT)
    axes.tick_params(length=0, colors=SOFT, labelsize=labelsize)


def in_percent(axis: Axis) -> None:
    """Label the ticks of an axis of fractions in percent."""
    axis.set_major_formatter(lambda value, _: f'{100 * value:.0f} %')


def svg_text(figure: Figure, salt: str) -> str:
    """Return a figure as SVG: the same figure and salt give the same text."""
    buffer = StringIO()
    with rc_context({'svg.hashsalt': salt}):
        figure.savefig(buffer, format='svg', metadata={'Date': None})
    return buffer.getvalue()
