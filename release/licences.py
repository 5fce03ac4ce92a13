"""THIRD-PARTY: the licences of everything in the program that is not eksact's own."""

import pathlib

NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "UNLICENSE")
RULE = "=" * 80
INTRODUCTION = """\
The program eksact contains the work of others. This lists what it is and under which licence; the licences follow, each
once. eksact's own licences are LICENSE-MIT and LICENSE-APACHE.
"""
STANDARD = """\
The Rust standard library, MIT OR Apache-2.0
    Copyright (c) The Rust Project Contributors. https://github.com/rust-lang/rust
"""
GLIBC = """\
The GNU C Library, LGPL-2.1-or-later, linked statically
    Copyright (C) Free Software Foundation, Inc. and others. https://www.gnu.org/software/libc/
    To use another version of it, build eksact on a machine that has that version: all of eksact's source is free, and
    `scripts/release` makes the program from it. What the licence says follows below.
"""


def _texts(crate):
    """The licence files in a crate's folder, by name."""
    found = [path for path in crate.folder.iterdir() if path.is_file() and path.name.upper().startswith(NAMES)]
    found += [path for path in crate.folder.glob("LICENSES/*") if path.is_file()]
    return [path.read_text(errors="replace").strip() for path in sorted(found)]


def third_party(crates, own, is_glibc):
    """The file's text. `own` is the folder of eksact, whose two licences stand in for crates that name them and have no file."""
    ours = {name: (own / f"LICENSE-{name.upper()}").read_text().strip() for name in ("MIT", "Apache")}
    listed, users, words, missing = [STANDARD], {}, {}, []
    if is_glibc:
        listed.append(GLIBC)
        users[(pathlib.Path(__file__).parent / "LGPL-2.1").read_text().strip()] = ["The GNU C Library"]
    for crate in crates:
        if not crate.is_in_program or not crate.checksum:
            continue
        name = f"{crate.name} {crate.version}"
        listed.append(f"{name}, {crate.licence}\n    {crate.repository}\n")
        texts = _texts(crate)
        if not texts:
            texts = [text for licence, text in ours.items() if licence in crate.licence][-1:]
        if not texts:
            missing.append(f"{name} ({crate.licence})")
        for text in texts:
            # The same text in other lines is the same text.
            first = words.setdefault(" ".join(text.split()), text)
            users.setdefault(first, []).append(name)
    if missing:
        raise SystemExit(f"error: no text of the licence of {', '.join(missing)}")
    texts = [f"{RULE}\n{', '.join(names)}:\n\n{text}\n" for text, names in sorted(users.items(), key=lambda item: item[1])]
    return "\n".join([INTRODUCTION, *listed, *texts])
