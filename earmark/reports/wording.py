"""How numbers, times and names are said, the same in a terminal, a figure and a page.

What is not there (None, NaN) is a dash and never "nan".
"""

from __future__ import annotations

import math

DASH = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits after the point.

    >>> number(0.71234), number(float("nan")), number(None)
    ('0.712', '–', '–')
    """
    return DASH if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def span(low: float | None, high: float | None, digits: int = 3) -> str:
    """Both ends of an interval, or a dash.

    >>> span(0.69, 0.733), span(float("nan"), float("nan"))
    ('0.690 to 0.733', '–')
    """
    ends = number(low, digits), number(high, digits)
    return DASH if DASH in ends else " to ".join(ends)


def share(part: float, whole: float) -> str:
    """A part in per cent of the whole.

    >>> share(1, 3), share(0, 0)
    ('33 %', '–')
    """
    return f"{100 * part / whole:.0f} %" if whole else DASH


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> [duration(s) for s in (0.42, 75, 7322)]
    ['0.4 s', '1 min 15 s', '2 h 2 min']
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plural(n: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "clip"), plural(0, "clip"), plural(3, "class", "classes")
    ('1 clip', '0 clips', '3 classes')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def short(text: str, most: int = 26) -> str:
    """Text for a narrow place: at most so many characters, the middle left out, nothing that cannot be printed.

    The end stays because it is where labels differ ("Male_speech_and_man_speaking", "Male_singing").

    >>> short("Female_speech_and_woman_speaking", 16), short("Bark")
    ('Female_s…peaking', 'Bark')
    """
    printable = "".join(sign if sign.isprintable() else "�" for sign in text)
    if len(printable) <= most:
        return printable
    tail = (most - 1) // 2
    return f"{printable[: most - 1 - tail]}…{printable[len(printable) - tail :]}"
