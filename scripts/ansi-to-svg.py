#!/usr/bin/env python3
"""Draws what a terminal would show as an SVG: text with colour codes on stdin, the picture on stdout.

Every word stands at its column, whatever font the reader has. Lines and arrow heads are drawn as paths, so that they
join. Light or dark follows the reader's setting.
"""

import argparse
import re
import sys
import unicodedata
from html import escape

CELL, LINE, SIZE, MARGIN = 8.4, 18, 14, 16

# Which ways a box-drawing character goes from the middle of its cell.
BOX = {
    "─": "lr", "│": "ud", "├": "udr", "┤": "udl", "┌": "dr", "┐": "dl", "└": "ur", "┘": "ul",
    "┬": "lrd", "┴": "lru", "┼": "lrud", "╴": "l", "╶": "r", "╵": "u", "╷": "d",
}
ARROWS = {"►": 1, "◄": -1}

STYLE = """
  text{font:%dpx ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328}
  path{stroke:#1f2328;fill:none;stroke-width:1.2}
  .head{stroke:none;fill:#1f2328}
  .paper{fill:#ffffff;stroke:#d0d7de}
  .b{font-weight:700}
  .d{opacity:.65}
  @media (prefers-color-scheme:dark){
    text,.head{fill:#e6edf3} path{stroke:#e6edf3} .head{stroke:none} .paper{fill:#0d1117;stroke:#30363d}
  }
""" % SIZE


class Ink:
    """How a character looks: its colour (None: the reader's own), bold, dim."""

    def __init__(self):
        self.colour, self.bold, self.dim = None, False, False

    def apply(self, codes):
        """Select Graphic Rendition, as far as wsdemo uses it."""
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.colour, self.bold, self.dim = None, False, False
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 39:
                self.colour = None
            elif code == 38 and codes[:1] == [2] and len(codes) >= 4:
                self.colour = "#%02x%02x%02x" % tuple(codes[1:4])
                del codes[:4]
            else:
                sys.exit(f"error: colour code {code} is not known here\n  try: COLORTERM=truecolor")

    def key(self):
        return (self.colour, self.bold, self.dim)


def cells(line, ink):
    """Each character with its columns and its looks."""
    column = 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            ink.apply(part[2:-1])
            continue
        for char in part:
            if ord(char) < 32:
                sys.exit(f"error: control character {ord(char):#x} in the text")
            end = column + (2 if unicodedata.east_asian_width(char) in "WF" else 1)
            yield column, end, char, ink.key()
            column = end


def attributes(look, what):
    colour, bold, dim = look
    classes = [name for name, is_on in (("head", what == "head"), ("b", bold), ("d", dim)) if is_on]
    written = f' class="{" ".join(classes)}"' if classes else ""
    if colour:
        written += f' style="{"stroke" if what == "line" else "fill"}:{colour}"'
    return written


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def draw_line(row, line, ink):
    """The elements of one row."""
    top = MARGIN + row * LINE
    middle = top + LINE / 2
    words, strokes, heads = [], {}, {}
    for column, end, char, look in cells(line, ink):
        left = MARGIN + column * CELL
        if char in BOX:
            strokes.setdefault(look, []).append((left, BOX[char]))
        elif char in ARROWS:
            back, tip = (left, left + CELL) if ARROWS[char] > 0 else (left + CELL, left)
            triangle = f"M{number(back)} {number(middle - 4)}L{number(tip)} {number(middle)}L{number(back)} {number(middle + 4)}Z"
            heads.setdefault(look, []).append(triangle)
        elif char != " ":
            if words and words[-1][1] == column and words[-1][3] == look:
                words[-1][1] = end
                words[-1][2] += char
            else:
                words.append([column, end, char, look])
    for look, found in strokes.items():
        yield f'<path{attributes(look, "line")} d="{stroke(found, top, middle)}"/>'
    for look, found in heads.items():
        yield f'<path{attributes(look, "head")} d="{"".join(found)}"/>'
    for column, end, text, look in words:
        # The middle of a letter is about a third of its size above where it stands.
        place = f'x="{number(MARGIN + column * CELL)}" y="{number(middle + SIZE * 0.35)}"'
        length = f' textLength="{number((end - column) * CELL)}"' if end - column > 1 else ""
        yield f'<text {place}{length}{attributes(look, "text")}>{escape(text, quote=False)}</text>'


def stroke(found, top, middle):
    """One path for all of a row: neighbours become one line."""
    path, run = [], None
    for left, ways in found:
        centre = left + CELL / 2
        if "u" in ways or "d" in ways:
            upper = top if "u" in ways else middle
            lower = top + LINE if "d" in ways else middle
            path.append(f"M{number(centre)} {number(upper)}V{number(lower)}")
        if "l" in ways or "r" in ways:
            start = left if "l" in ways else centre
            end = left + CELL if "r" in ways else centre
            if run and abs(run[1] - start) < 0.01:
                run[1] = end
            else:
                if run:
                    path.append(f"M{number(run[0])} {number(middle)}H{number(run[1])}")
                run = [start, end]
    if run:
        path.append(f"M{number(run[0])} {number(middle)}H{number(run[1])}")
    return "".join(path)


def plain(line):
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def chosen(source, sections, start):
    """The steps that are asked for, from the first line that `start` finds."""
    taken, section, waiting, left = [], None, start, list(sections)
    for line in source:
        line = line.rstrip("\n")
        words = plain(line)
        if words.startswith("── "):
            if section and not left:
                break
            section = next((title for title in left if title in words), None)
            if section:
                left.remove(section)
        if waiting and section and re.search(waiting, words):
            waiting = None
        if section and not waiting:
            taken.append(line)
    if left or waiting:
        sys.exit(f"error: not found in what was shown: {', '.join(left) or waiting}")
    while taken and not plain(taken[-1]).strip():
        taken.pop()
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--title", required=True, help="what the picture is, for screen readers")
    parser.add_argument("--desc", required=True, help="what is to be seen in it")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--section", action="append", required=True, help="a step, by a part of its heading; repeatable")
    parser.add_argument("--start", help="leave out what comes before the line that this expression finds")
    asked = parser.parse_args()
    lines = chosen(sys.stdin, asked.section, asked.start)
    width = number(2 * MARGIN + asked.columns * CELL)
    height = number(2 * MARGIN + len(lines) * LINE)
    ink = Ink()
    drawn = [element for row, line in enumerate(lines) for element in draw_line(row, line, ink)]
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">')
    print(f'<title id="title">{escape(asked.title)}</title>')
    print(f'<desc id="desc">{escape(asked.desc)}</desc>')
    print(f"<style>{STYLE}</style>")
    print('<rect class="paper" x=".5" y=".5" width="%s" height="%s" rx="8"/>' % (number(float(width) - 1), number(float(height) - 1)))
    print("\n".join(drawn))
    print("</svg>")


main()
