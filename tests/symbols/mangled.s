# SPDX-License-Identifier: MIT OR Apache-2.0
# Names as compilers of C++ and Rust mangle them, without the compilers.
	.text
	.macro function name
	.globl	\name
	.type	\name, @function
\name:
	nop
	nop
	.size	\name, .-\name
	.endm
	function _ZN5outer3boxILi3EE4areaEi
	function _ZNKSt6vectorIiSaIiEE4sizeEv
	function _ZZ3runiENKUliiE_clEii
	function _ZN4core3fmt9Formatter3pad17h0123456789abcdefE
	function _ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE
	function _RNvC6_123foo3bar
	function _RNvNtCs1234_7mycrate3mod8function
	function _RINvNtC3std3mem8align_ofjE
	function plain_c
	function _Znot_mangled
	.section .note.GNU-stack,"",@progbits
