# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints a build of 4,000 objects, 400 libraries and the sources that are made for them.
function source(i)
{
	return "d" i % 37 "/f" i
}

BEGIN {
	print "rule cc\n  command = cc -c $in -o $out $flags\n  description = CC $out"
	print "rule ld\n  command = ld $in -o $out"
	print "rule make\n  command = make $out"
	for (i = 0; i < 4000; i++) {
		printf "build obj/%s.o: cc src/%s.c | hdr/h%d.h\n", source(i), source(i), i % 91
		printf "  flags = -DN=%d -Iinclude/$in\n", i
		objects = objects " obj/" source(i) ".o"
		if (i % 10 == 9) {
			printf "build lib/l%d.a: ld%s\n", i / 10, objects
			objects = ""
		}
		printf "build src/%s.c: make\n", source(i)
	}
	for (i = 0; i < 91; i++)
		printf "build hdr/h%d.h: make\n", i
}
