#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""exact.py ACCOUNTS DIR [killed] [alone]: what exact-program counted against the profile of it.

DIR has METRIC.folded, of `thag export --metric`, and session.json, STEM.json. A killed program
may have been in the middle of one thing in each thread: there, each number has two bounds.
"""
import json
import struct
import sys

FIELDS = ("begun", "allocations", "allocated", "frees", "freed_bytes", "freed", "reallocations",
          "temporary", "peak", "ending")
NAMES = ("", "fa", "fb", "fc", "fd", "fe", "ff")


def path_name(number):
    return ";".join(NAMES[int(digit)] for digit in f"{number:o}") if number else ""


def read_accounts(file):
    accounts = {}
    with open(file, "rb") as source:
        for number, values in enumerate(struct.iter_unpack("<10Q", source.read())):
            if any(values):
                accounts[path_name(number)] = dict(zip(FIELDS, values))
    return accounts


def read_folded(file):
    """By path of exact-program's calls; everything else counts at ''."""
    sums, total = {}, 0
    with open(file, encoding="utf-8") as source:
        for line in source:
            stack, _, value = line.rpartition(" ")
            frames = [frame for frame in stack.split(";") if frame in NAMES[1:]]
            path = ";".join(frames)
            sums[path] = sums.get(path, 0) + int(value)
            total += int(value)
    return sums, total


def compare(what, wanted, got):
    """The paths of which two numbers differ; '' is what the program didn't count."""
    wrong = 0
    for path in sorted(set(wanted) | set(got)):
        if path and wanted.get(path, 0) != got.get(path, 0):
            wrong += 1
            if wrong < 5:
                print(f"{what} {path}: {wanted.get(path, 0)} counted, {got.get(path, 0)} told")
    return wrong


def column(accounts, field):
    return {path: account[field] for path, account in accounts.items()}


def live(accounts):
    return {path: a["allocated"] - a["freed_bytes"] for path, a in accounts.items()}


def between(accounts, told):
    """Of a killed program: what it had done is there, what it had not begun is not."""
    wrong = 0
    for path, account in accounts.items():
        if path and not account["allocations"] <= told.get(path, 0) <= account["begun"]:
            print(f"allocations {path}: {account['allocations']} to {account['begun']} counted, "
                  f"{told.get(path, 0)} told")
            wrong += 1
    return wrong


def main(file, place, flags):
    accounts = read_accounts(file)
    with open(f"{place}/session.json", encoding="utf-8") as source:
        memory = json.load(source)["memory"]
    told, totals = {}, {}
    for metric in ("allocated", "allocations", "live", "peak", "leaked", "temporary", "freed"):
        told[metric], totals[metric] = read_folded(f"{place}/{metric}.folded")
    wrong = 0
    for metric, field in (("allocated", "allocated_bytes"), ("allocations", "allocations"),
                          ("live", "live_bytes"), ("leaked", "live_bytes"), ("peak", "peak_bytes"),
                          ("temporary", "temporary"), ("freed", "freed_bytes")):
        if totals[metric] != memory[field]:
            print(f"{metric}: stacks add up to {totals[metric]}, in all {memory[field]}")
            wrong += 1
    for fault in ("lost", "displaced", "untracked", "lost_traces"):
        if memory[fault]:
            print(f"{fault}: {memory[fault]}")
            wrong += 1
    if "killed" in flags:
        wrong += between(accounts, told["allocations"])
    else:
        for metric in ("allocated", "allocations", "freed"):
            wrong += compare(metric, column(accounts, metric), told[metric])
        wrong += compare("live", live(accounts), told["live"])
        wrong += compare("leaked", live(accounts), told["leaked"])
        mine = sum(column(accounts, "reallocations").values())
        if memory["reallocations"] != mine:
            print(f"reallocations: {mine} counted, {memory['reallocations']} told")
            wrong += 1
    if "alone" in flags:
        for metric in ("temporary", "peak"):
            wrong += compare(metric, column(accounts, metric), told[metric])
    print(f"{len(accounts)} paths, {sum(column(accounts, 'allocations').values())} allocations, "
          f"{wrong} wrong")
    return wrong != 0 or len(accounts) < 100


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
