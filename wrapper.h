/* What bindgen reads: the toolstack's interface to the hypervisor. */
#include <stdio.h> /* vsnprintf, for libxenctrl's log messages */
#include <xenctrl.h>
