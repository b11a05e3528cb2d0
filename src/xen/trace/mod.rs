//! Xen's trace buffers: what each vCPU does, as it happens.

mod control;
mod libraries;
mod parse;
