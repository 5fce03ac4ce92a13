"""What package managers read: the Homebrew formula and the entry of a krew index, filled with version and checksums."""

import pathlib
import re
import string

TEMPLATES = pathlib.Path(__file__).parent / "templates"
BLOCK = re.compile(r"^ *# if (\S+)\n(.*?)^ *# end\n", re.MULTILINE | re.DOTALL)


def filled(name, version, homepage, url, checksums):
    """The template with the blocks of the targets that there are; `checksums` is by target."""
    text = (TEMPLATES / name).read_text()

    def block(found):
        target = found[1]
        if target not in checksums:
            return ""
        package, checksum = checksums[target]
        return string.Template(found[2]).substitute(url=f"{url}/{package}", sha256=checksum, folder=f"eksact-{version}-{target}")

    return string.Template(BLOCK.sub(block, text)).substitute(version=version, homepage=homepage)
