/* The input of bindgen: the toolstack's interface to the hypervisor. */
#include <stdio.h> /* vsnprintf, for libxenctrl's log messages */
#include <xenctrl.h>
#include <xencall.h> /* the library with which libxenctrl makes hypercalls */
#include <xen/hvm/hvm_op.h> /* HVMOP_get_time */
#include <xen/vcpu.h> /* VCPUOP_get_runstate_info */
#include <xen/trace.h> /* TRC_SCHED_RUNSTATE_CHANGE */
