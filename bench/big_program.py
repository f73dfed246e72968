#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""big_program.py DIRECTORY UNITS FUNCTIONS: C++ whose DWARF is as big as that of big programs.

UNITS sources of FUNCTIONS functions each, all different, that use the standard library's
templates with types of their own; unit0.cpp has main()."""
import sys

directory, units, functions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

HEAD = """#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>
namespace unit{unit} {{
"""

FUNCTION = """struct record{n} {{ int key; long value[{size}]; std::string name;
  bool operator<(const record{n} &other) const {{ return key < other.key; }} }};
static inline int mix{n}(int x) {{ return x * {odd} + (x >> {shift}); }}
static inline int fold{n}(int x) {{ return mix{n}(x) ^ mix{n}(x + {n}); }}
int work{n}(int x)
{{
  std::vector<record{n}> list;
  for (int i = 0; i < x; i++)
    list.push_back(record{n}{{fold{n}(i), {{}}, std::to_string(i)}});
  {extra}
  return list.empty() ? fold{n}(x) : list.front().key;
}}
"""

EXTRAS = (
    "std::sort(list.begin(), list.end());",
    "std::map<int, record{n}> map; for (auto &one : list) map[one.key] = one; x += (int)map.size();",
    "std::unordered_map<std::string, record{n}> map; for (auto &one : list) map[one.name] = one;"
    " x += (int)map.size();",
    "std::function<int(int)> call = [&](int y) {{ return y + (int)list.size(); }}; x = call(x);",
    "auto shared = std::make_shared<record{n}>(); shared->key = x; list.push_back(*shared);",
)

for unit in range(units):
    with open(f"{directory}/unit{unit}.cpp", "w", encoding="utf-8") as out:
        out.write(HEAD.format(unit=unit))
        for i in range(functions):
            n = unit * functions + i
            out.write(FUNCTION.format(n=n, size=n % 7 + 1, odd=2 * n + 3, shift=n % 5 + 1,
                                      extra=EXTRAS[i % len(EXTRAS)].format(n=n)))
        out.write("}\n")
        if unit == 0:
            out.write("int main(int argc, char **) { return unit0::work0(argc); }\n")
