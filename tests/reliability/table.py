#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""docs/reliability.md against the suite: 54 rows, no empty cell, each row with tests of its number,
and no test of a row that isn't there."""
import pathlib
import re
import sys

here = pathlib.Path(__file__).resolve().parent
document = (here / "../../docs/reliability.md").read_text()
faults = []
shown = set()

for line in document.splitlines():
    if not (row := re.match(r"\| (\d+) \|", line)):
        continue
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    if len(cells) != 5 or not all(cells):
        faults.append(f"row {row[1]}: an empty cell, or not five of them")
    if int(row[1]) in shown:
        faults.append(f"row {row[1]} is there twice")
    shown.add(int(row[1]))

if sorted(shown) != list(range(1, 55)):
    faults.append(f"the rows are {sorted(shown)}, not 1 to 54")

tested = set()
for path in here.glob("*.sh"):
    for numbers in re.findall(r"\bok ['\"]((?:\d\d )+)", path.read_text()):
        tested.update(map(int, numbers.split()))

for number in sorted(shown - tested):
    faults.append(f"row {number}: no test `ok '{number:02} …'`")
for number in sorted(tested - shown):
    faults.append(f"a test of row {number}, which the table doesn't have")

print("\n".join(faults), end="\n" if faults else "")
sys.exit(bool(faults))
