# SPDX-License-Identifier: MIT OR Apache-2.0
# DWARF as it may be, but as gcc and clang don't write it. Each function is a slot of 16 bytes, or
# two; most have no symbol, and are known by their slot.
	.text
	.file 1 "dwarf.c"
.Lstart:
	.rept 24
	.loc 1 7
	nop
	.balign 16
	.endr
	.globl _ZN5scope6of_c03Ev, _ZN5scope6of_c11Ev, _ZN5scope4of_cEv
	.set _ZN5scope6of_c03Ev, .Lstart + 16 * 18
	.set _ZN5scope6of_c11Ev, .Lstart + 16 * 19
	.set _ZN5scope4of_cEv, .Lstart + 16 * 20
	.type _ZN5scope6of_c03Ev, @function
	.type _ZN5scope6of_c11Ev, @function
	.type _ZN5scope4of_cEv, @function
	.size _ZN5scope6of_c03Ev, 16
	.size _ZN5scope6of_c11Ev, 16
	.size _ZN5scope4of_cEv, 16

	.section .debug_abbrev, "", @progbits
abbrevs:
	.macro abbrev number, tag, attributes:vararg
	.uleb128 \number, \tag
	.byte 1
	.ifnb \attributes
	.uleb128 \attributes
	.endif
	.byte 0, 0
	.endm
	.set name, 0x03
	.set low_pc, 0x11
	.set high_pc, 0x12
	.set language, 0x13
	.set decl_file, 0x3a
	.set call_line, 0x59
	.set linkage_name, 0x6e
	.set stmt_list, 0x10
	.set addr, 0x01
	.set string, 0x08
	.set data1, 0x0b
	.set udata, 0x0f
	.set ranges, 0x55
	.set sec_offset, 0x17
	# 1: a unit
	abbrev 1, 0x11, language, data1, stmt_list, sec_offset, low_pc, addr, high_pc, addr
	# 2: a function
	abbrev 2, 0x2e, name, string, low_pc, addr, high_pc, addr
	# 3: an inlined call
	abbrev 3, 0x1d, name, string, low_pc, addr, high_pc, addr, call_line, udata
	# 4: a block
	abbrev 4, 0x0b
	# 5: a try block
	abbrev 5, 0x32, low_pc, addr, high_pc, addr
	# 6: a catch block
	abbrev 6, 0x25, low_pc, addr, high_pc, addr
	# 7: a namespace
	abbrev 7, 0x39
	# 8: a module
	abbrev 8, 0x1e
	# 9: a function with both names
	abbrev 9, 0x2e, name, string, linkage_name, string, low_pc, addr, high_pc, addr
	# 10: one with its linkage name alone
	abbrev 10, 0x2e, linkage_name, string, low_pc, addr, high_pc, addr
	# 11: one with the file of its declaration
	abbrev 11, 0x2e, name, string, decl_file, data1, low_pc, addr, high_pc, addr
	# 12: one in ranges
	abbrev 12, 0x2e, name, string, ranges, sec_offset
	.byte 0

	# from where the unit begins, all but the last empty: as many as are read, and one more
	.section .debug_ranges, "", @progbits
just_enough:
	.rept 65536 - 1
	.quad 1, 1
	.endr
	.quad 0, 16, 0, 0
too_many:
	.rept 65536
	.quad 1, 1
	.endr
	.quad 16, 32, 0, 0

	.section .debug_line, "", @progbits
lines:
	.section .debug_info, "", @progbits
	.macro at first, end
	.quad .Lstart + 16 * \first, .Lstart + 16 * \end
	.endm
	.macro unit number, of, first, end
	.long .Lend\number - .Lbegin\number
.Lbegin\number:
	.short 4
	.long abbrevs
	.byte 8
	.uleb128 1
	.byte \of
	.long lines
	at \first, \end
	.endm
	.macro end_unit number
	.byte 0
.Lend\number:
	.endm
	.macro function text, first, end
	.uleb128 2
	.asciz "\text"
	at \first, \end
	.endm
	.macro inlined text, first, end, line
	.uleb128 3
	.asciz "\text"
	at \first, \end
	.uleb128 \line
	.endm
	.macro within number, times=1
	.rept \times
	.uleb128 \number
	.endr
	.endm
	.macro done times=1
	.rept \times
	.byte 0
	.endr
	.endm

	unit 1, 0x0c, 0, 18
	# more calls in each other than an answer has room for
	function outermost, 0, 1
	.set depth, 0
	.rept 70
	.set depth, depth + 1
	inlined inner, 0, 1, depth
	.endr
	done 71
	# blocks that don't say where they are: the first leads nowhere
	function blocks, 1, 2
	within 4
	done
	within 4, 100
	inlined in_block, 1, 2, 5
	done 102
	function too_many_blocks, 2, 3
	within 4, 300
	inlined in_block, 2, 3, 5
	done 302
	function exceptional, 3, 5
	within 5
	at 3, 4
	inlined tried, 3, 4, 5
	done 2
	within 6
	at 4, 5
	inlined caught, 4, 5, 5
	done 3
	function far, 5, 6
	inlined from_afar, 5, 6, 0x100000007
	done 2
	within 8
	function in_module, 6, 7
	done 2
	within 7, 100
	function in_spaces, 7, 8
	done 101
	within 7, 200
	function in_too_many_spaces, 8, 9
	done 201
	# one begins where another does
	function short, 9, 10
	done
	function long, 9, 11
	done
	function longer, 11, 13
	done
	function shorter, 11, 12
	done
	within 9
	.asciz "with_no_linkage", ""
	at 13, 14
	done
	function "", 14, 15
	done
	within 10
	.asciz "_ZN5scope10by_linkageEv"
	at 15, 16
	done
	within 11
	.asciz "of_no_file"
	.byte 0
	at 16, 17
	done
	end_unit 1

	unit 2, 0x19, 18, 19
	function of_c03, 18, 19
	done
	end_unit 2
	unit 3, 0x1a, 19, 20
	function of_c11, 19, 20
	done
	end_unit 3
	unit 4, 0x0c, 20, 21
	function of_c, 20, 21
	done
	end_unit 4
	unit 6, 0x0c, 21, 23
	within 12
	.asciz "in_ranges"
	.long just_enough
	done
	within 12
	.asciz "in_too_many_ranges"
	.long too_many
	done
	end_unit 6
	# what a linker left out of its file is at zero in its DWARF
	.long .Lend5 - .Lbegin5
.Lbegin5:
	.short 4
	.long abbrevs
	.byte 8
	.uleb128 1
	.byte 0x0c
	.long lines
	.quad 0, 64
	.uleb128 2
	.asciz "left_out"
	.quad 0, 64
	done
	end_unit 5
	.section .note.GNU-stack, "", @progbits
