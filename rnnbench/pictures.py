"""Pictures of matplotlib as the bytes of a file."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESOLUTION = 110  # dots an inch


def png(figure: "Figure") -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return content.getvalue()
