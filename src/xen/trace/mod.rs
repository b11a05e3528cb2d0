//! Xen's trace buffers: what each vCPU does, as it happens.

mod buffer;
mod control;
mod libraries;
mod parse;
