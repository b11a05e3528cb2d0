/* What bindgen reads: the toolstack's interface to the hypervisor. */
#include <stdio.h> /* vsnprintf, for libxenctrl's log messages */
#include <xenctrl.h>
#include <xencall.h> /* what libxenctrl itself makes its hypercalls with */
#include <xen/hvm/hvm_op.h> /* HVMOP_get_time */
