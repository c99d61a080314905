"""Write src/cytopenia/data/fonts: the letters of the figures, a part of DejaVu Sans.

Without the layout tables, and under a name of their own.

The whole font is embedded in every PDF by way of a program that reads all its tables; of this part it reads
a thirtieth. A sign that the part lacks is drawn from the whole font. `--check` changes nothing and fails if
the files have other letters than asked for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).parents[1] / "src" / "cytopenia" / "data" / "fonts"
SOURCE = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FAMILY = "Cytopenia Sans"
NAMES = {"DejaVuSans.ttf": "CytopeniaSans.ttf", "DejaVuSans-Bold.ttf": "CytopeniaSans-Bold.ttf"}
LICENSE, OUR_LICENSE = "LICENSE_DEJAVU", "LICENSE.txt"
# Latin, Greek, punctuation, raised and lowered digits, arrows, and the signs of mathematics.
SIGNS = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *range(0x391, 0x3CA),
    *range(0x2000, 0x2090),
    *range(0x2190, 0x2194),
    *range(0x2200, 0x2270),
    *(0x25A0, 0x25B2, 0x25BC, 0x25CB, 0x25CF),
]
DROPPED = ["GSUB", "GPOS", "GDEF", "FFTM", "MATH", "kern", "gasp", "cvt ", "fpgm", "prep"]


def make_font(source: Path) -> TTFont:
    """Return the part of a font, under its own family name."""
    options = subset.Options(drop_tables=DROPPED, hinting=False, glyph_names=False, notdef_outline=True)
    font = subset.load_font(str(source), options)
    maker = subset.Subsetter(options)
    maker.populate(unicodes=SIGNS)
    maker.subset(font)
    style = "Bold" if "Bold" in source.name else ""
    full = f"{FAMILY} {style}".strip()
    names = {1: FAMILY, 3: full, 4: full, 6: f"CytopeniaSans-{style}".rstrip("-")}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    return font


def main() -> int:
    if "--check" in sys.argv:
        for source, target in NAMES.items():
            asked = set(make_font(SOURCE / source).getBestCmap())
            if set(TTFont(FOLDER / target).getBestCmap()) != asked:
                print(f"{target} is not current: run scripts/make_figure_fonts.py")
                return 1
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for source, target in NAMES.items():
        make_font(SOURCE / source).save(FOLDER / target)
    (FOLDER / OUR_LICENSE).write_bytes((SOURCE / LICENSE).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
