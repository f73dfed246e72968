#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""names.py REPORT: functions called yes… must be marked, those called no… not, with a reason; and
there are some of each, unless the source has only one kind."""
import json
import sys


# functions whose names are not free to choose
OTHERS = ("main", "f", "s", "get_return_object", "initial_suspend", "final_suspend",
          "return_void", "unhandled_exception")


def main():
    with open(sys.argv[1]) as file:
        functions = json.load(file)["files"][0]["functions"]
    wrong = 0
    for function in functions:
        last = function["name"].split("::")[-1].lstrip("~")
        told = last.startswith("yes") or last in OTHERS
        told = told or (last == "lambda" and function["marked"])
        if function.get("why") in ("a prototype", "it has no body of its own"):
            continue
        if told != function["marked"] or (not told and not function["why"]):
            print("  ", function)
            wrong += 1
    if not functions:
        print("  no functions")
    sys.exit(1 if wrong or not functions else 0)


main()
